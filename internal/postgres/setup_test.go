package postgres_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// organization is one of two in every database of these tests, each with a
// workspace, two tenants, and a user who is a Developer in the first of them.
type organization struct {
	id, workspace, tenant, otherTenant, user, role tenant.ID
}

type world struct {
	*testkit.PostgresDatabase
	app      *postgres.Pool
	one, two organization
}

func setup(t *testing.T) *world {
	t.Helper()
	database := testkit.Postgres(t)
	app := open(t, database.AppURL, postgres.App)
	return &world{PostgresDatabase: database, app: app, one: fill(t, app, "one"), two: fill(t, app, "two")}
}

func open(t *testing.T, url string, role postgres.Role) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(url, role)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func fill(t *testing.T, app *postgres.Pool, name string) organization {
	t.Helper()
	var o organization
	var err error
	o.id, err = bootstrap.CreateOrganization(t.Context(), app, name)
	require.NoError(t, err)
	o.workspace, err = bootstrap.CreateWorkspace(t.Context(), app, o.id, "workspace")
	require.NoError(t, err)
	o.tenant, err = bootstrap.CreateTenant(t.Context(), app, o.id, o.workspace, "tenant")
	require.NoError(t, err)
	o.otherTenant, err = bootstrap.CreateTenant(t.Context(), app, o.id, o.workspace, "other tenant")
	require.NoError(t, err)
	require.NoError(t, app.InScope(t.Context(), postgres.Organization(o.id), func(tx pgx.Tx) error {
		row(t, tx, &o.user, "INSERT INTO users (organization_id, email) VALUES ($1, $2) RETURNING user_id", o.id, name+"@example.com")
		row(t, tx, &o.role, "INSERT INTO roles (organization_id, name) VALUES ($1, 'Own role') RETURNING role_id", o.id)
		exec(t, tx, "INSERT INTO role_permissions VALUES ($1, 'logs:read', $2)", o.role, o.id)
		exec(t, tx, "INSERT INTO memberships (user_id, tenant_id, organization_id) VALUES ($1, $2, $3)", o.user, o.tenant, o.id)
		exec(t, tx, `INSERT INTO user_roles (user_id, role_id, tenant_id, organization_id)
			SELECT $1, role_id, $2, $3 FROM roles WHERE name = 'Developer'`, o.user, o.tenant, o.id)
		exec(t, tx, `INSERT INTO audit_logs (organization_id, tenant_id, actor_kind, actor_id, action, outcome)
			VALUES ($1, $2, 'system', 'test', 'user.create', 'success')`, o.id, o.tenant)
		exec(t, tx, `INSERT INTO api_keys (key_id, organization_id, workspace_id, tenant_id, name, permissions, secret_hash)
			VALUES ('tfk_' || $5, $1, $2, $3, $4, '{logs:write}', '$argon2id$')`,
			o.id, o.workspace, o.tenant, name, strings.ReplaceAll(o.id.String(), "-", ""))
		fillIdentity(t, tx, o, name)
		return nil
	}))
	return o
}

// fillIdentity adds a row to each table of who logs in.
func fillIdentity(t *testing.T, tx pgx.Tx, o organization, name string) {
	t.Helper()
	hash := func(of string) []byte { sum := sha256.Sum256([]byte(of + name)); return sum[:] }
	var session, provider, account tenant.ID
	exec(t, tx, "INSERT INTO user_credentials (user_id, organization_id, password_hash) VALUES ($1, $2, '$argon2id$x')", o.user, o.id)
	exec(t, tx, "INSERT INTO recovery_codes VALUES ($1, $2, 1, 'x')", o.user, o.id)
	exec(t, tx, "INSERT INTO known_devices (device_hash, user_id, organization_id) VALUES ($1, $2, $3)", hash("device"), o.user, o.id)
	row(t, tx, &session, `INSERT INTO sessions (user_id, organization_id, tenant_id, cookie_hash, methods, expires_at)
		VALUES ($1, $2, $3, $4, '{pwd}', now() + interval '1 hour') RETURNING session_id`, o.user, o.id, o.tenant, hash("cookie"))
	exec(t, tx, "INSERT INTO refresh_tokens VALUES ($1, $2, $3, now() + interval '1 hour')", hash("refresh"), session, o.id)
	exec(t, tx, "INSERT INTO login_challenges (token_hash, user_id, organization_id, methods, expires_at) VALUES ($1, $2, $3, '{pwd}', now())", hash("challenge"), o.user, o.id)
	exec(t, tx, "INSERT INTO one_time_tokens (token_hash, kind, organization_id, expires_at) VALUES ($1, 'password_reset', $2, now())", hash("reset"), o.id)
	exec(t, tx, `INSERT INTO invitations (organization_id, email, roles, token_hash, invited_by, expires_at)
		VALUES ($1, 'new@example.com', '[]', $2, $3, now())`, o.id, hash("invitation"), o.user)
	row(t, tx, &account, "INSERT INTO service_accounts (organization_id, name) VALUES ($1, 'grafana') RETURNING service_account_id", o.id)
	exec(t, tx, "INSERT INTO service_account_roles VALUES ($1, $2, $3, $4)", account, o.role, o.tenant, o.id)
	exec(t, tx, "INSERT INTO service_account_tokens (service_account_id, organization_id, name, token_hash) VALUES ($1, $2, 't', $3)", account, o.id, hash("token"))
	exec(t, tx, "INSERT INTO role_filters VALUES ($1, $2, 'service', '{shop}')", o.role, o.id)
	exec(t, tx, "INSERT INTO organization_policies (organization_id) VALUES ($1)", o.id)
	row(t, tx, &provider, "INSERT INTO sso_providers (organization_id, name, kind, client_id) VALUES ($1, 'google', 'google', 'x') RETURNING provider_id", o.id)
	exec(t, tx, "INSERT INTO verified_domains (domain, organization_id, challenge) VALUES ('example.com', $1, 'x')", o.id)
	exec(t, tx, "INSERT INTO user_identities (provider_id, issuer, subject, user_id, organization_id) VALUES ($1, 'i', 's', $2, $3)", provider, o.user, o.id)
}

func row(t *testing.T, tx pgx.Tx, into any, sql string, arguments ...any) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), sql, arguments...).Scan(into))
}

func exec(t *testing.T, tx pgx.Tx, sql string, arguments ...any) {
	t.Helper()
	_, err := tx.Exec(t.Context(), sql, arguments...)
	require.NoError(t, err)
}

// refused runs one statement in the scope and wants the given SQLSTATE.
func refused(t *testing.T, pool *postgres.Pool, scope postgres.Scope, code, sql string, arguments ...any) {
	t.Helper()
	err := pool.InScope(t.Context(), scope, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), sql, arguments...)
		return err
	})
	var failure *pgconn.PgError
	require.ErrorAs(t, err, &failure, sql)
	require.Equal(t, code, failure.Code, "%s: %s", sql, failure.Message)
}

// count is how many rows a query has in the scope.
func count(t *testing.T, pool *postgres.Pool, scope postgres.Scope, sql string, arguments ...any) int {
	t.Helper()
	var n int
	require.NoError(t, pool.InScope(t.Context(), scope, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), "SELECT count(*) FROM ("+sql+") AS q", arguments...).Scan(&n)
	}))
	return n
}
