package testkit

import (
	"bytes"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
)

func TestClickHouse(t *testing.T) {
	t.Parallel()
	database := ClickHouse(t)
	options, err := clickhouse.ParseDSN(database.URL)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	ctx := t.Context()

	require.NoError(t, conn.Exec(ctx, "CREATE TABLE t (n UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY n"))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	require.NoError(t, err)
	require.NoError(t, batch.Append(uint64(1), "one"))
	require.NoError(t, batch.Append(uint64(2), "two"))
	require.NoError(t, batch.Send())

	one := []byte("\x01\x01\x01n\x06UInt64\x03\x00\x00\x00\x00\x00\x00\x00")
	require.NoError(t, conn.InsertFormat(ctx, "Native", "INSERT INTO t (n)", bytes.NewReader(one)))

	var s string
	require.NoError(t, conn.QueryRow(ctx, "SELECT s FROM t WHERE n = {n:UInt64}", clickhouse.Named("n", "2")).Scan(&s))
	require.Equal(t, "two", s)
	var sum uint64
	require.NoError(t, conn.QueryRow(ctx, "SELECT sum(n) FROM t").Scan(&sum))
	require.Equal(t, uint64(6), sum)
}

func TestClickHouseServer_Restart(t *testing.T) {
	t.Parallel()
	server := NewClickHouseServer(t)
	require.NoError(t, server.Exec("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n"))
	require.NoError(t, server.Exec("INSERT INTO t VALUES (1)"))
	server.Kill()
	require.Error(t, server.Exec("SELECT 1"))
	server.Start(t)
	require.NoError(t, server.Exec("SELECT throwIf(sum(n) != 1) FROM t"))
}
