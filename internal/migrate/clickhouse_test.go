package migrate_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func openClickHouse(t *testing.T, url string) *migrate.Database {
	t.Helper()
	database, err := migrate.OpenClickHouse(t.Context(), url, migrate.Cluster{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	return database
}

// tables is everything in the database but the record of versions.
func tables(t *testing.T, conn clickhouse.Conn) []string {
	t.Helper()
	var names []string
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT arraySort(groupArray(name)) FROM system.tables
		WHERE database = currentDatabase() AND name <> 'schema_migrations'`).Scan(&names))
	return names
}

func connectClickHouse(t *testing.T, url string) clickhouse.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(url)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func TestClickHouse_UpDownUp(t *testing.T) {
	t.Parallel()
	url := testkit.ClickHouse(t).URL
	database, conn := openClickHouse(t, url), connectClickHouse(t, url)

	version, ok, err := migrate.CheckClickHouse(t.Context(), conn)
	require.NoError(t, err)
	require.Zero(t, version)
	require.False(t, ok)

	up, err := database.Up(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, up)
	made := tables(t, conn)
	require.NotEmpty(t, made)
	require.NotContains(t, made, "schema_migrations_lock")
	version, ok, err = migrate.CheckClickHouse(t.Context(), conn)
	require.NoError(t, err)
	require.Equal(t, migrate.ClickHouseRange.Min, version)
	require.True(t, ok)

	again, err := database.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, again)

	one, err := database.Down(t.Context())
	require.NoError(t, err)
	require.Len(t, one, 1)
	require.Equal(t, up[len(up)-1].Name, one[0].Name)
	_, ok, err = migrate.CheckClickHouse(t.Context(), conn)
	require.NoError(t, err)
	require.False(t, ok)

	rest, err := database.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, rest, len(up)-1)
	require.Empty(t, tables(t, conn))
	none, err := database.Down(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	_, err = database.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, made, tables(t, conn))
	status, err := database.Status(t.Context())
	require.NoError(t, err)
	for _, step := range status {
		require.True(t, step.Applied, step.Name)
		require.False(t, step.At.IsZero(), step.Name)
	}
}

func TestClickHouse_Concurrent(t *testing.T) {
	t.Parallel()
	url := testkit.ClickHouse(t).URL
	first, second := openClickHouse(t, url), openClickHouse(t, url)
	var one, two []migrate.Step
	var group errgroup.Group
	group.Go(func() (err error) { one, err = first.Up(t.Context()); return err })
	group.Go(func() (err error) { two, err = second.Up(t.Context()); return err })
	require.NoError(t, group.Wait())
	require.Equal(t, int(migrate.ClickHouseRange.Min), len(one)+len(two), "each migration ran once")
	require.True(t, len(one) == 0 || len(two) == 0, "one run did all")
}

// A run that was killed leaves the lock table and falls silent.
func TestClickHouse_DeadRun(t *testing.T) {
	t.Parallel()
	url := testkit.ClickHouse(t).URL
	conn := connectClickHouse(t, url)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE schema_migrations_lock (at DateTime64(3)) ENGINE = MergeTree ORDER BY at"))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO schema_migrations_lock SELECT now64(3) - 60"))

	steps, err := openClickHouse(t, url).Up(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, steps)
}

func TestOpenClickHouse_Cluster(t *testing.T) {
	t.Parallel()
	_, err := migrate.OpenClickHouse(t.Context(), "http://127.0.0.1:1/x", migrate.Cluster{Name: "a'b"})
	require.ErrorContains(t, err, `the cluster "a'b" has no name that ClickHouse can have`)
}
