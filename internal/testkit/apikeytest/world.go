// Package apikeytest gives tests of API keys a database with one tenant, keys in
// it, and a gate that takes the database away.
package apikeytest

import (
	"context"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// World is a private database with one tenant.
type World struct {
	*testkit.PostgresDatabase
	Pool  *postgres.Pool // as telemetryflow_app
	Admin *keyadmin.Admin

	Organization, Workspace, Tenant tenant.ID
}

// NewWorld makes a world for this test alone.
func NewWorld(t testing.TB) *World {
	t.Helper()
	return NewWorldIn(t, testkit.Postgres(t))
}

// NewWorldIn makes a world in a migrated, empty database.
func NewWorldIn(t testing.TB, database *testkit.PostgresDatabase) *World {
	t.Helper()
	w := &World{PostgresDatabase: database}
	w.Pool = w.open(t, w.AppURL, postgres.App)
	w.Admin = keyadmin.New(w.Pool, "test")
	ctx := context.Background()
	var err error
	w.Organization, err = bootstrap.CreateOrganization(ctx, w.Pool, "acme")
	require.NoError(t, err)
	w.Workspace, err = bootstrap.CreateWorkspace(ctx, w.Pool, w.Organization, "shop")
	require.NoError(t, err)
	w.Tenant, err = bootstrap.CreateTenant(ctx, w.Pool, w.Organization, w.Workspace, "checkout")
	require.NoError(t, err)
	return w
}

func (w *World) open(t testing.TB, url string, role postgres.Role) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(url, role)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// Ingest is a pool as collectors have it, on the world's database or, through a
// gate, another URL.
func (w *World) Ingest(t testing.TB, url string) *postgres.Pool {
	t.Helper()
	return w.open(t, url, postgres.Ingest)
}

// Key makes a key of the tenant without limits, unless changed.
func (w *World) Key(t testing.TB, change ...func(*keyadmin.NewKey)) apikey.Credential {
	t.Helper()
	key := keyadmin.NewKey{Name: "test", Kind: keyadmin.Tenant, Binding: w.Tenant, Permissions: []tenant.Permission{tenant.TracesWrite}}
	for _, c := range change {
		c(&key)
	}
	_, credential, err := w.Admin.Create(context.Background(), key)
	require.NoError(t, err)
	return credential
}

// Store puts a key with the given credential into the database. Its hash is of
// the least cost, so that a test may have thousands.
func (w *World) Store(t testing.TB, credentials ...apikey.Credential) {
	t.Helper()
	ctx := context.Background()
	cheap := &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	require.NoError(t, w.Pool.InScope(ctx, postgres.Organization(w.Organization), func(tx pgx.Tx) error {
		var batch pgx.Batch
		for _, credential := range credentials {
			hash, err := argon2id.CreateHash(credential.Secret, cheap)
			if err != nil {
				return err
			}
			batch.Queue(`INSERT INTO api_keys (key_id, organization_id, workspace_id, tenant_id, name, permissions, secret_hash)
				VALUES ($1, $2, $3, $4, 'test', '{logs:write}', $5)`, credential.ID.String(), w.Organization, w.Workspace, w.Tenant, hash)
		}
		return tx.SendBatch(ctx, &batch).Close()
	}))
}

// Exec runs a statement as the superuser.
func (w *World) Exec(t testing.TB, sql string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, w.AdminURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	require.NoError(t, err)
}

// Wrong is the same key with another secret.
func Wrong(credential apikey.Credential) apikey.Credential {
	return apikey.Credential{ID: credential.ID, Secret: apikey.NewSecret()}
}

// socket is where a URL of testkit leads.
func socket(t testing.TB, url string) (path string, config *pgx.ConnConfig) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(config.Host, "/"), "testkit's PostgreSQL listens on a unix socket")
	return config.Host + "/.s.PGSQL.5432", config
}
