package migrate_test

import (
	"crypto/rand"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func openPostgres(t *testing.T, url string) *migrate.Database {
	t.Helper()
	database, err := migrate.OpenPostgres(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	return database
}

func admin(t *testing.T, database *testkit.PostgresDatabase) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database.AdminURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// objects is every table, function and type in the schema but the record of versions.
func objects(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_migrations%'
		UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'default ' || defaclacl::text FROM pg_default_acl ORDER BY 1`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

func TestPostgres_UpDownUp(t *testing.T) {
	t.Parallel()
	empty := testkit.EmptyPostgres(t)
	database, conn := openPostgres(t, empty.AdminURL), admin(t, empty)
	up, err := database.Up(t.Context())
	require.NoError(t, err)
	require.Len(t, up, int(migrate.PostgresRange.Min))
	made := objects(t, conn)

	pool, err := postgres.Open(empty.IngestURL, postgres.Ingest)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	version, ok, err := migrate.CheckPostgres(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, migrate.PostgresRange.Min, version)
	require.True(t, ok)

	one, err := database.Down(t.Context())
	require.NoError(t, err)
	require.Len(t, one, 1)
	version, ok, err = migrate.CheckPostgres(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, migrate.PostgresRange.Min-1, version)
	require.False(t, ok)

	_, err = database.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Empty(t, objects(t, conn))
	version, ok, err = migrate.CheckPostgres(t.Context(), pool)
	require.NoError(t, err)
	require.Zero(t, version)
	require.False(t, ok)
	none, err := database.Down(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	_, err = database.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, made, objects(t, conn))
	status, err := database.Status(t.Context())
	require.NoError(t, err)
	for _, step := range status {
		require.True(t, step.Applied, step.Name)
	}
}

func TestPostgres_Concurrent(t *testing.T) {
	t.Parallel()
	empty := testkit.EmptyPostgres(t)
	first, second := openPostgres(t, empty.AdminURL), openPostgres(t, empty.AdminURL)
	var one, two []migrate.Step
	var group errgroup.Group
	group.Go(func() (err error) { one, err = first.Up(t.Context()); return err })
	group.Go(func() (err error) { two, err = second.Up(t.Context()); return err })
	require.NoError(t, group.Wait())
	require.Equal(t, int(migrate.PostgresRange.Min), len(one)+len(two), "each migration ran once")
}

// An ordinary user is told what an administrator has to run, and that suffices.
func TestPostgres_WithoutAdministrator(t *testing.T) {
	t.Parallel()
	empty := testkit.EmptyPostgres(t)
	testkit.Postgres(t) // so that the roles exist: the order of tests does not matter
	conn := admin(t, empty)
	role := "odd-name-" + rand.Text()[:8] // of this server, which ends with the test binary
	_, err := conn.Exec(t.Context(), "CREATE ROLE \""+role+"\" LOGIN")
	require.NoError(t, err)

	database := openPostgres(t, empty.URL(role))
	_, err = database.Up(t.Context())
	require.Error(t, err)
	_, advice, found := strings.Cut(err.Error(), "an administrator of the database has to run:\n")
	require.True(t, found, err)
	require.Contains(t, advice, `GRANT telemetryflow_owner TO "`+role+`"`)
	require.Contains(t, advice, "GRANT CREATE, USAGE ON SCHEMA public TO telemetryflow_owner WITH GRANT OPTION")
	for _, statement := range strings.Split(strings.TrimSpace(advice), ";\n") {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	steps, err := database.Up(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, steps)
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	const password = "it's $a$ long \\ one"
	require.ErrorContains(t, migrate.SetPassword(t.Context(), database.AdminURL, migrate.IngestRole, "short"), "at least 16 characters")
	require.ErrorContains(t, migrate.SetPassword(t.Context(), database.AdminURL, migrate.IngestRole, "sixteen chäracters"), "ASCII")
	require.ErrorContains(t, migrate.SetPassword(t.Context(), database.AdminURL, "postgres", password), "telemetryflow_app")
	require.NoError(t, migrate.SetPassword(t.Context(), database.AdminURL, migrate.IngestRole, password))

	config, err := pgx.ParseConfig(database.IngestURL)
	require.NoError(t, err)
	config.Database = testkit.ScramDatabase // where the server asks for passwords
	config.Password = password
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	config.Password = "another password"
	_, err = pgx.ConnectConfig(t.Context(), config)
	require.ErrorContains(t, err, "28P01")
}

func TestRange(t *testing.T) {
	t.Parallel()
	r := migrate.Range{Min: 7, Max: 199}
	for version, ok := range map[int64]bool{0: false, 6: false, 7: true, 99: true, 199: true, 200: false} {
		require.Equal(t, ok, r.Contains(version), strconv.FormatInt(version, 10))
		require.Equal(t, ok, r.Explain("PostgreSQL", version) == nil)
	}
	require.ErrorContains(t, r.Explain("PostgreSQL", 6), "run `telemetryflow migrate up`")
	require.ErrorContains(t, r.Explain("PostgreSQL", 200), "upgrade the program")
	for _, known := range []migrate.Range{migrate.PostgresRange, migrate.ClickHouseRange} {
		require.Positive(t, known.Min)
		require.Equal(t, int64(199), known.Max)
	}
}
