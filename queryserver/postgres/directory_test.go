package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	base "github.com/telemetryflow/telemetryflow/internal/postgres"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

// admin is a connection that no program of ours has.
func (w *world) admin(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.database.AdminURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func TestStore_Grants(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	role := queryserver.Role{
		Name: "Shop only", Permissions: []queryserver.Permission{queryserver.LogsRead},
		Filter: []queryserver.Predicate{{Dimension: "service", Values: []string{"shop", "cart"}}},
	}
	require.NoError(t, w.store.CreateRole(ctx, w.call, &role))
	bob := w.user(t, "bob@example.com", role.ID)
	grants, err := w.store.UserGrants(ctx, bob)
	require.NoError(t, err)
	require.Equal(t, []queryserver.Grant{{Tenant: w.tenant, Role: role.ID, RoleName: "Shop only", Permissions: role.Permissions, Filter: role.Filter}}, grants)

	require.NoError(t, w.store.Unassign(ctx, w.call, bob.User, queryserver.Assignment{Role: role.ID, Tenant: w.tenant.Tenant}))
	grants, err = w.store.UserGrants(ctx, bob)
	require.NoError(t, err)
	require.Len(t, grants, 1, "a member without a role")
	require.True(t, grants[0].Role.IsZero())
	require.Empty(t, grants[0].Permissions)

	disabled := false
	require.NoError(t, w.store.UpdateUser(ctx, w.call, bob.User, nil, &disabled))
	grants, err = w.store.UserGrants(ctx, bob)
	require.NoError(t, err)
	require.Empty(t, grants)

	account, err := w.store.CreateServiceAccount(ctx, w.call, "grafana", []queryserver.Assignment{{Role: role.ID, Tenant: w.tenant.Tenant}})
	require.NoError(t, err)
	grants, err = w.store.ServiceAccountGrants(ctx, w.organization, account)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.Equal(t, role.Filter, grants[0].Filter)
}

// Somebody must remain who may do everything.
func TestStore_LastOwner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	owner, disabled := queryserver.Assignment{Role: queryserver.RoleOwner, Tenant: w.tenant.Tenant}, false
	requireCode(t, queryserver.Conflict, w.store.DeleteUser(ctx, w.call, w.owner.User))
	requireCode(t, queryserver.Conflict, w.store.UpdateUser(ctx, w.call, w.owner.User, nil, &disabled))
	requireCode(t, queryserver.Conflict, w.store.Unassign(ctx, w.call, w.owner.User, owner))
	requireCode(t, queryserver.Conflict, w.store.RemoveMember(ctx, w.call, w.owner.User, w.tenant.Tenant))
	requireCode(t, queryserver.Conflict, w.store.DeleteTenant(ctx, w.call, w.tenant.Tenant))
	requireCode(t, queryserver.Conflict, w.store.DeleteWorkspace(ctx, w.call, w.tenant.Workspace))
	w.user(t, "bob@example.com", queryserver.RoleOwner)
	require.NoError(t, w.store.DeleteUser(ctx, w.call, w.owner.User))
}

// ASVS 8.2.2: what belongs to another organization is not there.
func TestStore_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	pool, err := base.Open(w.database.AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	other, err := bootstrap.CreateOrganization(ctx, pool, "evil")
	require.NoError(t, err)
	workspace, err := bootstrap.CreateWorkspace(ctx, pool, other, "w")
	require.NoError(t, err)
	in, err := bootstrap.CreateTenant(ctx, pool, other, workspace, "t")
	require.NoError(t, err)
	by := queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}
	eve, err := w.store.CreateUser(ctx, by, client, other, "eve@example.org", "", "", []queryserver.Assignment{{Role: queryserver.RoleOwner, Tenant: in}})
	require.NoError(t, err)
	call := &queryserver.Call{Subject: by, Client: client, Scope: queryserver.NewScope(other, tenant.Scope{Workspace: workspace, Tenant: in}, nil)}
	role := queryserver.Role{Name: "Own", Permissions: []queryserver.Permission{queryserver.LogsRead}}
	require.NoError(t, w.store.CreateRole(ctx, w.call, &role))
	account, err := w.store.CreateServiceAccount(ctx, w.call, "grafana", nil)
	require.NoError(t, err)
	session := w.session(t, w.owner, "one")
	enabled := true
	for name, err := range map[string]error{
		"update user":     w.store.UpdateUser(ctx, call, w.owner.User, nil, &enabled),
		"delete user":     w.store.DeleteUser(ctx, call, w.owner.User),
		"assign":          w.store.Assign(ctx, call, w.owner.User, queryserver.Assignment{Role: queryserver.RoleOwner, Tenant: in}),
		"assign there":    w.store.Assign(ctx, call, eve.User, queryserver.Assignment{Role: queryserver.RoleOwner, Tenant: w.tenant.Tenant}),
		"assign its role": w.store.Assign(ctx, call, eve.User, queryserver.Assignment{Role: role.ID, Tenant: in}),
		"update role":     w.store.UpdateRole(ctx, call, &role),
		"delete role":     w.store.DeleteRole(ctx, call, role.ID),
		"rename tenant":   w.store.RenameTenant(ctx, call, w.tenant.Tenant, "x"),
		"delete account":  w.store.DeleteServiceAccount(ctx, call, account),
		"create token":    w.store.CreateToken(ctx, call, account, &queryserver.Token{Name: "x"}, hash("x")),
		"end session":     w.store.EndSession(ctx, by, client, eve, session, "x"),
		"built-in role":   w.store.DeleteRole(ctx, call, queryserver.RoleViewer),
	} {
		require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err), "%s: %v", name, err)
	}
	_, err = w.store.User(ctx, queryserver.UserRef{Organization: other, User: w.owner.User})
	requireCode(t, queryserver.NotFound, err)
	users, err := w.store.Users(ctx, call, queryserver.User{}, 100)
	require.NoError(t, err)
	require.Len(t, users, 1)
}

// ASVS 2.3.3, 16.2.1: a change and its audit entry happen together, or not at all.
func TestStore_Audit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	_, err := w.store.CreateWorkspace(ctx, w.call, "staging")
	require.NoError(t, err)
	_, err = w.store.CreateWorkspace(ctx, w.call, "staging")
	requireCode(t, queryserver.Conflict, err)
	trail, err := w.store.AuditTrail(ctx, w.call, queryserver.AuditQuery{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Limit: 1})
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, "workspace.create", trail[0].Action)
	require.Equal(t, w.owner.User.String(), trail[0].Actor)
	require.Equal(t, "192.0.2.7", trail[0].ClientIP)
	require.Equal(t, "r1", trail[0].RequestID)
	older, err := w.store.AuditTrail(ctx, w.call, queryserver.AuditQuery{Before: trail[0].Sequence, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Limit: 100})
	require.NoError(t, err)
	require.Len(t, older, int(trail[0].Sequence)-1, "the failed one has left none")
}

// PostgreSQL away: an answer to try again, and nothing of the cause.
func TestStore_Down(t *testing.T) {
	t.Parallel()
	pool, err := base.Open("postgres://nobody@127.0.0.1:1/none", base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, _, err = postgres.New(pool).FindLogin(t.Context(), "ada@example.com")
	requireCode(t, queryserver.Unavailable, err)
	var failure *queryserver.Error
	require.ErrorAs(t, err, &failure)
	require.Positive(t, failure.RetryAfter)
	require.NotContains(t, failure.Message, "127.0.0.1")
}

// Whatever makes a tenant, who owns all others owns it too.
func TestStore_OwnersOfAllOwnTheNew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	half, err := w.store.CreateUser(ctx, w.call.Subject, client, w.owner.Organization, "half@example.com", "", "",
		[]queryserver.Assignment{{Role: queryserver.RoleOwner, Tenant: w.tenant.Tenant}})
	require.NoError(t, err)
	owns := func(user queryserver.UserRef, in tenant.ID) bool {
		grants, err := w.store.UserGrants(ctx, user)
		require.NoError(t, err)
		return slices.ContainsFunc(grants, func(g queryserver.Grant) bool { return g.Tenant.Tenant == in && g.Role == queryserver.RoleOwner })
	}
	pool, err := base.Open(w.database.AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	add := func(name string) tenant.ID {
		made, err := bootstrap.CreateTenant(ctx, pool, w.organization, w.tenant.Workspace, name)
		require.NoError(t, err)
		return made
	}
	second := add("second")
	require.True(t, owns(w.owner, second))
	require.True(t, owns(half, second), "he owned the only one")
	require.NoError(t, w.store.Unassign(ctx, w.call, half.User, queryserver.Assignment{Role: queryserver.RoleOwner, Tenant: second}))
	third := add("third")
	require.True(t, owns(w.owner, third))
	require.False(t, owns(half, third))
}
