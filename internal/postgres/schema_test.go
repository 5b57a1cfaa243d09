package postgres_test

import (
	"strconv"

	"crypto/sha256"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// The three PostgreSQL queries of the data-flow document. The user query has
// memberships in the place of users.tenant_id, because a user may serve several
// tenants; the others are as written.
const (
	userQuery = `SELECT u.* FROM users u
		INNER JOIN memberships m ON m.user_id = u.user_id
		WHERE m.tenant_id = $1 AND u.organization_id = $2 AND u.is_deleted = FALSE`
	workspaceQuery  = `SELECT * FROM workspaces WHERE organization_id = $1`
	permissionQuery = `SELECT p.* FROM permissions p
		INNER JOIN role_permissions rp ON p.permission_id = rp.permission_id
		INNER JOIN user_roles ur ON rp.role_id = ur.role_id
		WHERE ur.user_id = $1
		  AND ur.tenant_id = $2`
)

func TestSchema_DocumentedQueries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := postgres.Organization(w.one.id), postgres.Organization(w.two.id)

	require.Equal(t, 1, count(t, w.app, one, userQuery, w.one.tenant, w.one.id))
	require.Zero(t, count(t, w.app, one, userQuery, w.one.otherTenant, w.one.id))
	require.Equal(t, 1, count(t, w.app, one, workspaceQuery, w.one.id))
	require.Equal(t, 12, count(t, w.app, one, permissionQuery, w.one.user, w.one.tenant), "a Developer's")
	require.Zero(t, count(t, w.app, one, permissionQuery, w.one.user, w.one.otherTenant))

	// Filtered, whatever the parameters ask for.
	require.Zero(t, count(t, w.app, two, userQuery, w.one.tenant, w.one.id))
	require.Zero(t, count(t, w.app, two, workspaceQuery, w.one.id))
	require.Zero(t, count(t, w.app, two, permissionQuery, w.one.user, w.one.tenant))
}

func TestSchema_BuiltInRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for role, permissions := range map[string]int{"Owner": 22, "Administrator": 21, "Developer": 12, "Viewer": 5} {
		require.Equal(t, permissions, count(t, w.app, postgres.Organization(w.one.id), `SELECT FROM role_permissions
			JOIN roles USING (role_id) WHERE name = $1`, role), role)
	}
}

func TestSchema_SoftDelete(t *testing.T) {
	t.Parallel()
	w := setup(t)
	in := postgres.Organization(w.one.id)
	remove := func(function string, id tenant.ID) {
		require.EqualValues(t, 1, affected(t, w.app, in, "SELECT WHERE "+function+"($1)", id))
		require.Zero(t, affected(t, w.app, in, "SELECT WHERE "+function+"($1)", id), "a second time")
	}
	kept := func(table string) (n int) {
		require.NoError(t, connect(t, w.AdminURL).QueryRow(t.Context(), "SELECT count(*) FROM "+table+
			" WHERE is_deleted AND organization_id = $1", w.one.id).Scan(&n))
		return n
	}
	t.Run("User", func(t *testing.T) {
		remove("delete_user", w.one.user)
		require.Zero(t, count(t, w.app, in, "SELECT FROM users"))
		require.Zero(t, count(t, w.app, in, "SELECT FROM memberships"))
		require.Zero(t, count(t, w.app, in, permissionQuery, w.one.user, w.one.tenant))
		require.Equal(t, 1, kept("users"))
		refused(t, w.app, in, foreignKeyViolation, "INSERT INTO memberships (user_id, tenant_id, organization_id) VALUES ($1, $2, $3)",
			w.one.user, w.one.tenant, w.one.id)
		require.EqualValues(t, 1, affected(t, w.app, in, "INSERT INTO users (organization_id, email) VALUES ($1, 'ONE@example.com')", w.one.id),
			"the address is free again")
	})
	t.Run("Tenant", func(t *testing.T) {
		remove("delete_tenant", w.one.tenant)
		require.Equal(t, 1, count(t, w.app, in, "SELECT FROM tenants"))
		require.Equal(t, 1, kept("tenants"))
	})
	t.Run("Workspace", func(t *testing.T) {
		remove("delete_workspace", w.one.workspace)
		require.Zero(t, count(t, w.app, in, workspaceQuery, w.one.id))
		require.Zero(t, count(t, w.app, in, "SELECT FROM tenants"))
		require.Equal(t, 2, kept("tenants"))
		refused(t, w.app, in, foreignKeyViolation, "INSERT INTO tenants (organization_id, workspace_id, name) VALUES ($1, $2, 'late')", w.one.id, w.one.workspace)
	})
	t.Run("ByHand", func(t *testing.T) {
		refused(t, w.app, in, insufficientPrivilege, "UPDATE users SET is_deleted = FALSE")
		refused(t, w.app, in, insufficientPrivilege, "DELETE FROM users")
	})
	require.Equal(t, 2, count(t, w.app, postgres.Organization(w.two.id), "SELECT FROM tenants"), "the other organization's")
}

// The operator who owns the schema cannot rewrite the past either.
func TestSchema_AuditAppendOnly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	in := postgres.Organization(w.one.id)
	for _, sql := range []string{"UPDATE audit_logs SET outcome = 'denied'", "DELETE FROM audit_logs", "TRUNCATE audit_logs",
		"INSERT INTO audit_logs (organization_id, at, actor_kind, actor_id, action, outcome) VALUES (current_organization(), 'epoch', 'user', 'u', 'a.b', 'success')"} {
		refused(t, w.app, in, insufficientPrivilege, sql)
	}
	admin := connect(t, w.AdminURL)
	for _, sql := range []string{"UPDATE audit_logs SET outcome = 'denied'", "DELETE FROM audit_logs", "TRUNCATE audit_logs"} {
		_, err := admin.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "audit_logs is append-only", sql)
	}

	t.Run("Prune", func(t *testing.T) {
		_, err := admin.Exec(t.Context(), `INSERT INTO audit_logs (organization_id, at, actor_kind, actor_id, action, outcome)
			VALUES ($1, now() - interval '366 days', 'user', 'u', 'a.b', 'success')`, w.one.id)
		require.NoError(t, err)
		rows, err := w.app.Call(t.Context(), "prune_audit_logs")
		require.NoError(t, err)
		gone, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		require.NoError(t, err)
		require.EqualValues(t, 1, gone)
		require.Equal(t, 2, count(t, w.app, in, "SELECT FROM audit_logs"))
	})
	t.Run("Digest", func(t *testing.T) {
		var digest, text []byte
		require.NoError(t, admin.QueryRow(t.Context(), `WITH utc AS (SELECT set_config('timezone', 'UTC', false))
			SELECT digest, convert_to((to_jsonb(a) - '{digest,sequence,chain,request_id}'::text[])::text, 'UTF8') FROM utc, audit_logs a LIMIT 1`).Scan(&digest, &text))
		want := sha256.Sum256(text)
		require.Equal(t, want[:], digest)
	})
}

// Whoever gets past the triggers cannot change, add or remove an entry unnoticed.
func TestSchema_AuditChain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	in := postgres.Organization(w.one.id)
	for i := range 5 {
		affected(t, w.app, in, `INSERT INTO audit_logs (organization_id, actor_kind, actor_id, action, outcome, request_id)
			VALUES (current_organization(), 'user', 'u', 'a.b', 'success', $1)`, strconv.Itoa(i))
	}
	broken := func() int { return count(t, w.app, in, "SELECT FROM verify_audit_chain()") }
	require.Zero(t, broken())
	require.Zero(t, count(t, w.app, postgres.Organization(w.two.id), "SELECT FROM verify_audit_chain()"))
	admin := connect(t, w.AdminURL)
	_, err := admin.Exec(t.Context(), "ALTER TABLE audit_logs DISABLE TRIGGER USER")
	require.NoError(t, err)
	for _, forgery := range []struct{ do, undo string }{
		{"UPDATE audit_logs SET outcome = 'denied' WHERE sequence = 3", "UPDATE audit_logs SET outcome = 'success' WHERE sequence = 3"},
		{"UPDATE audit_logs SET request_id = 'x' WHERE sequence = 4", "UPDATE audit_logs SET request_id = '1' WHERE sequence = 4"},
		{"CREATE TABLE kept AS SELECT * FROM audit_logs WHERE sequence = 5 AND organization_id = '" + w.one.id.String() + "'; DELETE FROM audit_logs WHERE sequence = 5",
			"INSERT INTO audit_logs OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept"},
		{"CREATE TABLE kept AS SELECT * FROM audit_logs WHERE sequence = 7; DELETE FROM audit_logs WHERE sequence = 7", ""},
	} {
		_, err := admin.Exec(t.Context(), forgery.do)
		require.NoError(t, err)
		require.Positive(t, broken(), forgery.do)
		_, err = admin.Exec(t.Context(), forgery.undo)
		require.NoError(t, err)
		if forgery.undo != "" {
			require.Zero(t, broken(), forgery.undo)
		}
	}
}

// Entries of one organization make one chain, however many write at once.
func TestSchema_AuditChain_Parallel(t *testing.T) {
	t.Parallel()
	w := setup(t)
	in := postgres.Organization(w.one.id)
	var writers errgroup.Group
	for range 4 {
		writers.Go(func() error {
			for range 20 {
				err := w.app.InScope(t.Context(), in, func(tx pgx.Tx) error {
					_, err := tx.Exec(t.Context(), `INSERT INTO audit_logs (organization_id, actor_kind, actor_id, action, outcome)
						VALUES (current_organization(), 'system', 's', 'a.b', 'success')`)
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, writers.Wait())
	require.Zero(t, count(t, w.app, in, "SELECT FROM verify_audit_chain()"))
	require.Equal(t, 82, count(t, w.app, in, "SELECT FROM audit_logs"))
}

func TestSchema_Retention(t *testing.T) {
	t.Parallel()
	w := setup(t)
	type policy struct {
		Workspace, Tenant tenant.ID
		Signal            string
		Days, Class       int
	}
	read := func() []policy {
		rows, err := open(t, w.IngestURL, postgres.Ingest).Call(t.Context(), "read_retention")
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[policy])
		require.NoError(t, err)
		return all
	}
	require.Len(t, read(), 12, "three signals of four tenants")
	require.Contains(t, read(), policy{w.one.workspace, w.one.tenant, "metrics", 90, 90})
	require.Contains(t, read(), policy{w.one.workspace, w.one.tenant, "logs", 30, 30})
	require.Contains(t, read(), policy{w.one.workspace, w.one.tenant, "traces", 30, 30})

	in := postgres.Tenant(w.one.id, w.one.tenant)
	for days, class := range map[int]int{1: 7, 7: 7, 8: 30, 31: 90, 91: 400, 400: 400} {
		require.EqualValues(t, 1, affected(t, w.app, in, "UPDATE retention_policies SET days = $1 WHERE signal = 'logs'", days))
		require.Contains(t, read(), policy{w.one.workspace, w.one.tenant, "logs", days, class})
	}
	refused(t, w.app, in, "23514", "UPDATE retention_policies SET days = 401")
	refused(t, w.app, in, "23514", "UPDATE retention_policies SET days = 0")
	require.EqualValues(t, 1, affected(t, w.app, postgres.Organization(w.one.id), "SELECT WHERE delete_tenant($1)", w.one.tenant))
	require.Len(t, read(), 9)
}
