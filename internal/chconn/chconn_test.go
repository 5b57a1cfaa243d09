package chconn_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestConfig_Options(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		options, err := chconn.Config{Endpoint: "http://u:p%40ss@10.0.0.1/telemetry"}.Options()
		require.NoError(t, err)
		require.Equal(t, []string{"10.0.0.1:8123"}, options.Addr)
		require.Equal(t, clickhouse.Auth{Database: "telemetry", Username: "u", Password: "p@ss"}, options.Auth)
		require.Equal(t, clickhouse.CompressionLZ4, options.Compression.Method, "another machine")
		require.Nil(t, options.TLS)
	})
	t.Run("OK local", func(t *testing.T) {
		t.Parallel()
		options, err := chconn.Config{Endpoint: "http://u:p@[::1]:9/telemetry", Database: "d", Username: "x", Password: "y"}.Options()
		require.NoError(t, err)
		require.Equal(t, []string{"[::1]:9"}, options.Addr)
		require.Equal(t, clickhouse.Auth{Database: "d", Username: "x", Password: "y"}, options.Auth)
		require.Nil(t, options.Compression)
	})
	t.Run("OK https", func(t *testing.T) {
		t.Parallel()
		options, err := chconn.Config{Endpoint: "https://clickhouse"}.Options()
		require.NoError(t, err)
		require.Equal(t, []string{"clickhouse:8443"}, options.Addr)
		require.NotNil(t, options.TLS)
	})
	for _, endpoint := range []string{
		"", "127.0.0.1:8123", "clickhouse://u:hidden@h:9000/d", "http://", "http://u:hidden@h:8123/d?x=1", "http://u:hidden@h:port/d", "http://u:hidden@h\x7f/",
	} {
		t.Run("Err "+endpoint, func(t *testing.T) {
			t.Parallel()
			err := chconn.Config{Endpoint: endpoint}.Validate()
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	conn, err := chconn.Open(chconn.Config{Endpoint: database.URL, Connections: 1})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt8, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a PARTITION BY a"))
	for statement, want := range map[string]chconn.Fault{
		"INSERT INTO t VALUES (11)":      chconn.Permanent,
		"INSERT INTO nowhere VALUES (1)": chconn.Mismatch,
		"INSERT INTO t (b) VALUES (1)":   chconn.Mismatch,
		"INSERT INTO t SELECT number % 10 FROM numbers(10) SETTINGS max_partitions_per_insert_block = 2": chconn.Permanent,
		"SELECT sum(number) FROM numbers(1000000000) SETTINGS max_memory_usage = 1":                      chconn.Retryable,
	} {
		err := conn.Exec(t.Context(), statement)
		require.Error(t, err, statement)
		require.Equal(t, want, chconn.Classify(err), "%s: %v", statement, err)
		require.False(t, chconn.OutcomeUnknown(err), "the server answered: %v", err)
		require.NotEmpty(t, chconn.Describe(err))
	}
	nobody, err := chconn.Open(chconn.Config{Endpoint: "http://127.0.0.1:1", Connections: 1})
	require.NoError(t, err)
	err = nobody.Exec(t.Context(), "SELECT 1")
	require.Equal(t, chconn.Retryable, chconn.Classify(err))
	require.False(t, chconn.OutcomeUnknown(err), "nothing was sent: %v", err)
}
