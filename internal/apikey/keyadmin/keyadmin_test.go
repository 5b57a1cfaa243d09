package keyadmin_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

type tree struct{ organization, workspace, tenant tenant.ID }

func plant(t *testing.T, database *testkit.PostgresDatabase, name string) tree {
	t.Helper()
	conn := connect(t, database.AdminURL)
	var made tree
	require.NoError(t, conn.QueryRow(t.Context(), "INSERT INTO organizations (name) VALUES ($1) RETURNING organization_id", name).Scan(&made.organization))
	require.NoError(t, conn.QueryRow(t.Context(), "INSERT INTO workspaces (organization_id, name) VALUES ($1, 'w') RETURNING workspace_id", made.organization).Scan(&made.workspace))
	require.NoError(t, conn.QueryRow(t.Context(), "INSERT INTO tenants (organization_id, workspace_id, name) VALUES ($1, $2, 't') RETURNING tenant_id", made.organization, made.workspace).Scan(&made.tenant))
	return made
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func open(t *testing.T, url string) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(url, postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	one, two := plant(t, database, "one"), plant(t, database, "two")
	for role, url := range map[string]string{"app": database.AppURL, "owner": database.OwnerURL, "admin": database.AdminURL} {
		t.Run(role, func(t *testing.T) {
			admin := keyadmin.New(open(t, url), "tester-"+role)
			expires := time.Now().Add(time.Hour).Truncate(time.Microsecond)
			key, credential, err := admin.Create(t.Context(), keyadmin.NewKey{
				Name: "agent", Kind: keyadmin.Tenant, Binding: one.tenant,
				Permissions: []tenant.Permission{tenant.LogsWrite}, Limits: keyadmin.Limits{RequestsPerMinute: 7, ItemsPerSecond: 8, BytesPerSecond: 9},
				ExpiresAt: &expires,
			})
			require.NoError(t, err)
			require.Equal(t, credential.ID.String(), key.ID)
			require.Equal(t, tree{key.Organization, *key.Workspace, *key.Tenant}, one)
			require.Equal(t, keyadmin.Limits{RequestsPerMinute: 7, ItemsPerSecond: 8, BytesPerSecond: 9}, key.Limits)
			require.Equal(t, []tenant.Permission{tenant.LogsWrite}, key.Permissions)
			require.True(t, expires.Equal(*key.ExpiresAt))

			wide, _, err := admin.Create(t.Context(), keyadmin.NewKey{Name: "wide", Kind: keyadmin.Organization, Binding: two.organization, Permissions: []tenant.Permission{tenant.LogsWrite}})
			require.NoError(t, err)
			require.Nil(t, wide.Workspace)
			_, _, err = admin.Create(t.Context(), keyadmin.NewKey{Name: "none", Kind: keyadmin.Workspace, Binding: one.tenant, Permissions: []tenant.Permission{tenant.LogsWrite}})
			require.ErrorIs(t, err, keyadmin.ErrNoBinding)

			rotated, fresh, err := admin.Rotate(t.Context(), credential.ID, time.Hour)
			require.NoError(t, err)
			require.NotEqual(t, credential.Secret, fresh.Secret)
			require.WithinDuration(t, time.Now().Add(time.Hour), *rotated.PreviousUntil, time.Minute)
			rotated, _, err = admin.Rotate(t.Context(), credential.ID, 0)
			require.NoError(t, err)
			require.Nil(t, rotated.PreviousUntil)

			revoked, err := admin.Revoke(t.Context(), credential.ID)
			require.NoError(t, err)
			require.NotNil(t, revoked.RevokedAt)
			_, err = admin.Revoke(t.Context(), credential.ID)
			require.ErrorIs(t, err, keyadmin.ErrNotFound)
			_, _, err = admin.Rotate(t.Context(), credential.ID, 0)
			require.ErrorIs(t, err, keyadmin.ErrNotFound)
			_, err = admin.Revoke(t.Context(), apikey.NewCredential().ID)
			require.ErrorIs(t, err, keyadmin.ErrNotFound)

			requireAudit(t, database, credential.ID, "tester-"+role, "api_key.create", "api_key.rotate", "api_key.rotate", "api_key.revoke")

			listed, err := admin.List(t.Context(), keyadmin.Filter{Kind: keyadmin.Tenant, Binding: one.tenant})
			require.NoError(t, err)
			require.Contains(t, listed, revoked)
			require.NotContains(t, listed, wide)
			all, err := admin.List(t.Context(), keyadmin.Filter{})
			require.NoError(t, err)
			require.Contains(t, all, revoked)
			require.Contains(t, all, wide)
		})
	}
}

func requireAudit(t *testing.T, database *testkit.PostgresDatabase, id apikey.ID, actor string, actions ...string) {
	t.Helper()
	rows, _ := connect(t, database.AdminURL).Query(t.Context(), "SELECT action FROM audit_logs WHERE subject = $1 AND actor_id = $2 AND actor_kind = 'operator' ORDER BY audit_id", id.String(), actor)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, actions, found)
}

// Without a scope the application sees no key, in one only its organization's,
// and hashes never; the collector's role reads no table at all.
func TestSchema_Walls(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	one, two := plant(t, database, "one"), plant(t, database, "two")
	for _, binding := range []tenant.ID{one.organization, two.organization} {
		_, _, err := keyadmin.New(open(t, database.AppURL), "tester").Create(t.Context(), keyadmin.NewKey{
			Name: "key", Kind: keyadmin.Organization, Binding: binding, Permissions: []tenant.Permission{tenant.LogsWrite}})
		require.NoError(t, err)
	}
	app, count := connect(t, database.AppURL), 0
	for _, table := range []string{"api_keys", "audit_logs", "api_key_usage"} {
		require.NoError(t, app.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&count))
		require.Zero(t, count, table)
	}
	_, err := app.Exec(t.Context(), "SELECT set_config('telemetryflow.organization_id', $1, false), set_config('telemetryflow.system', 'on', false)", one.organization.String())
	require.NoError(t, err)
	for _, table := range []string{"api_keys", "audit_logs"} {
		require.NoError(t, app.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&count))
		require.Equal(t, 1, count, table)
	}
	ingest := connect(t, database.IngestURL)
	for conn, statements := range map[*pgx.Conn][]string{
		app: {"SELECT secret_hash FROM api_keys", "UPDATE api_keys SET revoked_at = NULL", "DELETE FROM api_keys", "DELETE FROM audit_logs",
			"SELECT * FROM api_key_cache_secret"}, // it finds one key by its id, as collectors do
		ingest: {"SELECT * FROM api_keys", "SELECT * FROM audit_logs", "SELECT * FROM api_key_cache_secret", "SELECT revoke_api_key('')", "SELECT rotate_api_key('', '', '0')"},
	} {
		for _, statement := range statements {
			_, err := conn.Exec(t.Context(), statement)
			require.ErrorContains(t, err, "permission denied", statement)
		}
	}
}
