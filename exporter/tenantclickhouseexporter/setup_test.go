package tenantclickhouseexporter

import (
	"context"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	workspaceID = "0190f3a1-0000-7000-8000-00000000000a"
	tenantA     = "0190f3a1-0000-7000-8000-0000000000a1"
	tenantB     = "0190f3a1-0000-7000-8000-0000000000b2"
)

// migrateSchema makes the tables.
func migrateSchema(t *testing.T, url string) {
	t.Helper()
	schema, err := migrate.OpenClickHouse(t.Context(), url, migrate.Cluster{})
	require.NoError(t, err)
	_, err = schema.Up(t.Context())
	require.NoError(t, err)
	require.NoError(t, schema.Close())
}

func open(t *testing.T, url string) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(url)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// testConfig retries fast enough for a test.
func testConfig(url string) *Config {
	config := createDefaultConfig().(*Config)
	config.Endpoint = configopaque.String(url)
	config.Ack = ackStored
	config.Retry.InitialInterval = 20 * time.Millisecond
	config.Retry.MaxInterval = 100 * time.Millisecond
	config.NumConsumers = 2
	return config
}

func startTraces(t *testing.T, config *Config) exporter.Traces {
	t.Helper()
	require.NoError(t, config.Validate())
	traces, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, traces.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(t, traces.Shutdown(ctx))
	})
	return traces
}

func stamp(resource pcommon.Resource, owner string) {
	resource.Attributes().PutStr(tenant.WorkspaceAttribute, workspaceID)
	resource.Attributes().PutStr(tenant.TenantAttribute, owner)
	resource.Attributes().PutStr("service.name", "shop")
}

func spans(owner string, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	stamp(rs.Resource(), owner)
	all := rs.ScopeSpans().AppendEmpty().Spans()
	for range n {
		span := all.AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1})
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		span.SetEndTimestamp(span.StartTimestamp() + 1000)
	}
	return td
}

func records(owner string, n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	stamp(rl.Resource(), owner)
	all := rl.ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		all.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	}
	return ld
}

func points(owner string, n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	stamp(rm.Resource(), owner)
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("requests")
	all := metric.SetEmptySum().DataPoints()
	for i := range n {
		point := all.AppendEmpty()
		point.SetIntValue(int64(i))
		point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	}
	return md
}

func count(t *testing.T, conn driver.Conn, query string) int {
	t.Helper()
	var n uint64
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&n))
	return int(n)
}
