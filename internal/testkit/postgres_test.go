package testkit_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	for role, url := range map[string]string{
		"postgres":             database.AdminURL,
		"telemetryflow_owner":  database.OwnerURL,
		"telemetryflow_app":    database.AppURL,
		"telemetryflow_ingest": database.IngestURL,
	} {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		var user string
		var version int64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_user, schema_version()").Scan(&user, &version))
		require.Equal(t, role, user)
		require.Positive(t, version)
		require.NoError(t, conn.Close(t.Context()))
	}
}

func TestPostgresServer(t *testing.T) {
	t.Parallel()
	server := testkit.NewPostgresServer(t)
	connect := func() (*pgx.Conn, error) { return pgx.Connect(t.Context(), server.Database.AdminURL) }
	conn, err := connect()
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT schema_version() AS version")
	require.NoError(t, err)
	server.Kill()
	require.Error(t, conn.Ping(t.Context()))
	_, err = connect()
	require.Error(t, err)
	server.Start(t)
	conn, err = connect()
	require.NoError(t, err)
	var version int64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT version FROM kept").Scan(&version))
	require.Positive(t, version)
	require.NoError(t, conn.Close(t.Context()))
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())

	server.Stop()
	require.Error(t, client.Get(t.Context(), "key").Err())
	server.Start(t)
	require.ErrorIs(t, client.Get(t.Context(), "key").Err(), redis.Nil)
}
