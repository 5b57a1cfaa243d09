package encode_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

var retention = encode.Retention{Metrics: 90, Logs: 30, Traces: 30}

// connect opens a database of the engine with the schema of the migrations.
func connect(t *testing.T) driver.Conn {
	t.Helper()
	database := testkit.ClickHouse(t)
	schema, err := migrate.OpenClickHouse(t.Context(), database.URL, migrate.Cluster{})
	require.NoError(t, err)
	_, err = schema.Up(t.Context())
	require.NoError(t, err)
	require.NoError(t, schema.Close())
	options, err := clickhouse.ParseDSN(database.URL)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// keepForever removes the expiry of the tables, so that rows of any time stay.
func keepForever(t *testing.T, conn driver.Conn) {
	t.Helper()
	for _, table := range []string{"logs", "spans", "traces", "metric_series", "metric_samples", "metric_histogram_samples", "exemplars", "service_activity", "metric_activity"} {
		require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE "+table+" REMOVE TTL"))
	}
}

// insert stores the blocks of an encoder.
func insert(t *testing.T, conn driver.Conn, encoder *encode.Encoder) {
	t.Helper()
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0}))
	for _, block := range encoder.Blocks() {
		statement := "INSERT INTO " + block.Table() + " (" + strings.Join(block.Columns(), ", ") + ")"
		body := block.AppendNative(nil)
		require.LessOrEqual(t, block.Size(), len(body), "%s: Size is that of a denser form", block.Table())
		require.NoError(t, conn.InsertFormat(ctx, "Native", statement, bytes.NewReader(body)), block.Table())
	}
	encoder.Commit()
}

func count(t *testing.T, conn driver.Conn, query string, args ...any) uint64 {
	t.Helper()
	var n uint64
	require.NoError(t, conn.QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}
