package postgres_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	insufficientPrivilege = "42501" // also: a row that violates row-level security
	foreignKeyViolation   = "23503"
)

// connect is a plain connection, which no program of ours has.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func list(t *testing.T, conn *pgx.Conn, sql string, arguments ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, arguments...)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return values
}

// scopedTables walks the catalogue, so that no later table can be forgotten.
func scopedTables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	tables := list(t, conn, `SELECT DISTINCT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = 'public'::regnamespace
		  AND a.attname IN ('organization_id', 'workspace_id', 'tenant_id')`)
	for _, known := range []string{"organizations", "workspaces", "tenants", "users", "memberships", "roles",
		"role_permissions", "user_roles", "audit_logs", "retention_policies", "change_feed", "api_keys"} {
		require.Contains(t, tables, known)
	}
	return tables
}

func TestSchema_RowLevelSecurity(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin, owner, app := connect(t, w.AdminURL), connect(t, w.OwnerURL), connect(t, w.AppURL)
	for _, table := range scopedTables(t, admin) {
		t.Run(table, func(t *testing.T) {
			require.Equal(t, []string{"r true true telemetryflow_owner"}, list(t, admin, `SELECT
				relkind::text || ' ' || relrowsecurity || ' ' || relforcerowsecurity || ' ' || relowner::regrole
				FROM pg_class WHERE relname = $1 AND relnamespace = 'public'::regnamespace`, table), "ENABLE and FORCE ROW LEVEL SECURITY")

			var rows int
			require.NoError(t, admin.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows))
			require.Positive(t, rows, "the test must have something to hide")
			require.NoError(t, owner.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows))
			require.Zero(t, rows, "the owner without a scope")

			var readable bool
			require.NoError(t, admin.QueryRow(t.Context(), "SELECT has_any_column_privilege('telemetryflow_app', 'public.'||$1, 'SELECT')", table).Scan(&readable))
			if readable {
				require.NoError(t, app.QueryRow(t.Context(), "SELECT count(organization_id) FROM "+table).Scan(&rows))
				require.Zero(t, rows, "the application without a scope")
			}
		})
	}
}

func TestSchema_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin := connect(t, w.AdminURL)
	in := postgres.Organization(w.one.id)
	for _, table := range scopedTables(t, admin) {
		if table == "change_feed" || table == "audit_heads" {
			refused(t, w.app, in, insufficientPrivilege, "SELECT FROM "+table)
			continue
		}
		column := "organization_id"
		require.Zero(t, count(t, w.app, in, "SELECT "+column+" FROM "+table+" WHERE "+column+" = $1", w.two.id), table)
	}
	require.Equal(t, 1, count(t, w.app, in, "SELECT FROM organizations"))
	require.Equal(t, 2, count(t, w.app, in, "SELECT FROM tenants"))
	require.Equal(t, 5, count(t, w.app, in, "SELECT FROM roles"), "four built in, one of its own")

	t.Run("Insert", func(t *testing.T) {
		refused(t, w.app, in, insufficientPrivilege, "INSERT INTO workspaces (organization_id, name) VALUES ($1, 'w')", w.two.id)
		refused(t, w.app, in, insufficientPrivilege, "INSERT INTO users (organization_id, email) VALUES ($1, 'a@b.c')", w.two.id)
		refused(t, w.app, in, foreignKeyViolation, "INSERT INTO tenants (organization_id, workspace_id, name) VALUES ($1, $2, 't')", w.one.id, w.two.workspace)
		refused(t, w.app, in, foreignKeyViolation, "INSERT INTO memberships (user_id, tenant_id, organization_id) VALUES ($1, $2, $3)", w.one.user, w.two.tenant, w.one.id)
		refused(t, w.app, in, foreignKeyViolation, "INSERT INTO memberships (user_id, tenant_id, organization_id) VALUES ($1, $2, $3)", w.two.user, w.one.tenant, w.one.id)
		refused(t, w.app, in, insufficientPrivilege, "INSERT INTO user_roles (user_id, role_id, tenant_id, organization_id) VALUES ($1, $2, $3, $4)",
			w.one.user, w.two.role, w.one.tenant, w.one.id)
		refused(t, w.app, in, insufficientPrivilege, "INSERT INTO role_permissions VALUES ('00000000-0000-8000-8000-000000000004', 'logs:write', NULL)")
		refused(t, w.app, in, insufficientPrivilege, "INSERT INTO roles (organization_id, name) VALUES (NULL, 'Super')")
	})
	t.Run("Change", func(t *testing.T) {
		for _, sql := range []string{"UPDATE workspaces SET name = 'x' WHERE workspace_id = $1 RETURNING 1", "SELECT WHERE delete_workspace($1)"} {
			require.Zero(t, affected(t, w.app, in, sql, w.two.workspace), sql)
		}
		for _, sql := range []string{"UPDATE tenants SET name = 'x' WHERE tenant_id = $1 RETURNING 1", "SELECT WHERE delete_tenant($1)"} {
			require.Zero(t, affected(t, w.app, in, sql, w.two.tenant), sql)
		}
		require.Zero(t, affected(t, w.app, in, "SELECT WHERE delete_user($1)", w.two.user))
		require.Zero(t, affected(t, w.app, in, "DELETE FROM roles WHERE organization_id IS NULL RETURNING 1"), "built-in roles")
	})
	require.Equal(t, 1, count(t, w.app, postgres.Organization(w.two.id), "SELECT FROM users"), "all of it is still there")
}

func TestSchema_OneTenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	member, stranger := postgres.Tenant(w.one.id, w.one.tenant), postgres.Tenant(w.one.id, w.one.otherTenant)
	for table, rows := range map[string][2]int{
		"tenants": {1, 1}, "users": {1, 0}, "memberships": {1, 0}, "user_roles": {1, 0}, "audit_logs": {2, 0}, "retention_policies": {3, 3},
	} {
		require.Equal(t, rows[0], count(t, w.app, member, "SELECT FROM "+table), table)
		require.Equal(t, rows[1], count(t, w.app, stranger, "SELECT FROM "+table), table)
	}
	require.Zero(t, count(t, w.app, postgres.Tenant(w.two.id, w.one.tenant), "SELECT FROM tenants"), "a tenant under another organization")
	require.Zero(t, affected(t, w.app, stranger, "SELECT WHERE delete_tenant($1)", w.one.tenant))
	require.Zero(t, affected(t, w.app, stranger, "SELECT WHERE delete_workspace($1)", w.one.workspace))
}

func TestSchema_Ingest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin := connect(t, w.AdminURL)
	require.Empty(t, list(t, admin, `SELECT relname::text FROM pg_class c
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND (
			relkind <> 'S' AND (has_table_privilege('telemetryflow_ingest', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
				OR has_any_column_privilege('telemetryflow_ingest', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
			OR relkind = 'S' AND has_sequence_privilege('telemetryflow_ingest', c.oid, 'USAGE, SELECT, UPDATE'))`))
	allowed := list(t, admin, `SELECT proname::text FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('telemetryflow_ingest', oid, 'EXECUTE') ORDER BY 1`)
	require.Equal(t, []string{"change_cursor", "changes_since", "expire_log_progress", "find_api_key", "find_log_request", "publish_log_progress", "read_api_key_cache_secret", "read_retention",
		"schema_version", "used_api_keys"}, allowed)

	ingest := open(t, w.IngestURL, postgres.Ingest)
	refused(t, ingest, postgres.Organization(w.one.id), insufficientPrivilege, "SELECT FROM tenants")
	refused(t, ingest, postgres.Organization(w.one.id), insufficientPrivilege, "SELECT create_organization('mine')")
	refused(t, ingest, postgres.Organization(w.one.id), insufficientPrivilege, "CREATE TABLE mine ()")
	refused(t, ingest, postgres.Organization(w.one.id), insufficientPrivilege, "SET ROLE telemetryflow_owner")
}

// ASVS 13.2.2: the query server's role changes no schema, nobody's rights and no entry of
// the audit trail; what it sees without a scope is in TestSchema_RowLevelSecurity.
func TestSchema_ASVS_13_2_2_App(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, sql := range []string{
		"CREATE TABLE mine ()", "ALTER TABLE users ADD COLUMN mine text", "DROP TABLE users", "TRUNCATE users", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"ALTER TABLE users DISABLE ROW LEVEL SECURITY", "ALTER ROLE telemetryflow_app BYPASSRLS", "SET ROLE telemetryflow_owner", "GRANT telemetryflow_owner TO telemetryflow_app",
		"UPDATE audit_logs SET action = 'mine'", "DELETE FROM audit_logs", "TRUNCATE audit_logs", "SELECT FROM signing_keys", "SELECT FROM login_failures",
	} {
		refused(t, w.app, postgres.Organization(w.one.id), insufficientPrivilege, sql)
	}
}

// A SECURITY DEFINER function without a fixed search_path runs the caller's code.
func TestSchema_SecurityDefiner(t *testing.T) {
	t.Parallel()
	admin := connect(t, setup(t).AdminURL)
	functions := list(t, admin, "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")
	require.True(t, slices.Contains(functions, "changes_since"))
	require.Empty(t, list(t, admin, `SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (proconfig), FALSE)`))
}

func TestPool_InScope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	t.Run("ErrNoScope", func(t *testing.T) {
		require.ErrorIs(t, w.app.InScope(t.Context(), postgres.Organization(tenant.ID{}), nil), postgres.ErrNoScope)
	})
	t.Run("RollsBack", func(t *testing.T) {
		refused(t, w.app, postgres.Organization(w.one.id), "22012", "WITH x AS (DELETE FROM user_roles RETURNING 1) SELECT 1/(count(*)-count(*)) FROM x")
		require.Equal(t, 1, count(t, w.app, postgres.Organization(w.one.id), "SELECT FROM user_roles"))
	})
	t.Run("LeavesNoScope", func(t *testing.T) {
		one := open(t, w.AppURL+"&pool_max_conns=1", postgres.App)
		require.Equal(t, 2, count(t, one, postgres.Organization(w.one.id), "SELECT FROM tenants"))
		rows, err := one.Call(t.Context(), "current_organization")
		require.NoError(t, err)
		left, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[*tenant.ID])
		require.NoError(t, err)
		require.Nil(t, left)
	})
	t.Run("OwnerURL", func(t *testing.T) {
		require.Equal(t, 2, count(t, open(t, w.OwnerURL, postgres.App), postgres.Organization(w.one.id), "SELECT FROM tenants"))
	})
	t.Run("OtherRole", func(t *testing.T) {
		_, err := open(t, w.IngestURL, postgres.App).Call(t.Context(), "schema_version") //nolint:sqlclosecheck // not a statement
		require.ErrorContains(t, err, "become telemetryflow_app (connect as that role, or as a member of it)")
	})
}

// affected is how many rows a statement returns in the scope.
func affected(t *testing.T, pool *postgres.Pool, scope postgres.Scope, sql string, arguments ...any) int64 {
	t.Helper()
	var n int64
	require.NoError(t, pool.InScope(t.Context(), scope, func(tx pgx.Tx) error {
		tag, err := tx.Exec(t.Context(), sql, arguments...)
		n = tag.RowsAffected()
		return err
	}))
	return n
}
