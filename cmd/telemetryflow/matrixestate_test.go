package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// estate is an organization with one thing of each kind. The canary is in every name.
type estate struct {
	*world
	canary       string
	operator     *queryserver.Call
	organization tenant.ID
	shop, lab    tenant.Scope // tenants, each in a workspace of its own
	provider     tenant.ID
	domain       string // which is proved
	owner        queryserver.UserRef
	user         queryserver.UserRef
	session      tenant.ID // of the user
	identity     tenant.ID // of the user
	another      queryserver.UserRef
	invitation   tenant.ID // of a Viewer
	ownerInvited tenant.ID
	role         tenant.ID // of the organization's own
	account      tenant.ID
	token        tenant.ID // of the account
	key          apikey.Credential
	logs         map[string]queryserver.LogPosition // of the shop, by service
}

func (w *world) estate(t *testing.T, canary string) *estate {
	t.Helper()
	ctx, e := t.Context(), &estate{world: w, canary: canary}
	var err error
	e.organization, err = bootstrap.CreateOrganization(ctx, w.pool, canary)
	require.NoError(t, err)
	for name, scope := range map[string]*tenant.Scope{canary + " shop": &e.shop, canary + " lab": &e.lab} {
		scope.Workspace, err = bootstrap.CreateWorkspace(ctx, w.pool, e.organization, name)
		require.NoError(t, err)
		scope.Tenant, err = bootstrap.CreateTenant(ctx, w.pool, e.organization, scope.Workspace, name)
		require.NoError(t, err)
	}
	e.operator = &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, Scope: queryserver.NewScope(e.organization, tenant.Scope{}, nil),
	}
	e.provider, e.domain = e.newProvider(t), e.newDomain(t)
	e.owner = e.newUser(t, queryserver.RoleOwner) // so that an Owner is left whoever goes
	e.user, e.another = e.newUser(t, queryserver.RoleViewer), e.newUser(t, queryserver.RoleViewer)
	e.session, e.identity = e.newSession(t, e.user, time.Hour).id, e.identityOf(t, e.user)
	e.invitation, _ = e.newInvitation(t, queryserver.RoleViewer)
	e.ownerInvited, _ = e.newInvitation(t, queryserver.RoleOwner)
	e.role = e.newRole(t)
	e.account = e.newAccount(t, queryserver.RoleViewer)
	e.token, _ = e.newToken(t, e.account, time.Hour)
	e.key = e.newKey(t, keyadmin.Tenant, e.shop.Tenant, tenant.LogsWrite)
	e.newKey(t, keyadmin.Organization, e.organization, tenant.LogsWrite) // which both tenants see
	return e
}

// everywhere is a role in both tenants.
func (e *estate) everywhere(role tenant.ID) []queryserver.Assignment {
	return []queryserver.Assignment{{Role: role, Tenant: e.shop.Tenant}, {Role: role, Tenant: e.lab.Tenant}}
}

func (e *estate) newUser(t *testing.T, role tenant.ID) queryserver.UserRef {
	t.Helper()
	return e.newUserWith(t, e.everywhere(role)...)
}

func (e *estate) newUserWith(t *testing.T, roles ...queryserver.Assignment) queryserver.UserRef {
	t.Helper()
	name := e.canary + "-" + fresh()
	user, err := e.store.CreateUser(t.Context(), e.operator.Subject, queryserver.Client{}, e.organization, name+"@example.com", name, e.hash, roles)
	require.NoError(t, err)
	identity := e.newIdentity()
	require.NoError(t, e.store.LinkIdentity(t.Context(), queryserver.Client{}, user, &queryserver.Provider{ID: e.provider, Organization: e.organization}, &identity))
	return user
}

// opened is a session with all that it can be called by.
type opened struct {
	id                      tenant.ID
	cookie, access, refresh string
}

// newSession opens a session in the shop that lives so long.
func (e *estate) newSession(t *testing.T, user queryserver.UserRef, life time.Duration) opened {
	t.Helper()
	return e.newSessionIn(t, user, e.shop, life)
}

func (e *estate) newSessionIn(t *testing.T, user queryserver.UserRef, in tenant.Scope, life time.Duration) opened {
	t.Helper()
	cookie, refresh := token.New(token.Session), token.New(token.Refresh)
	expires := time.Now().Add(life)
	id, _, err := e.store.OpenSession(t.Context(), user, &queryserver.NewSession{
		Tenant: in.Tenant, Cookie: queryserver.Hash(cookie.Hash()), Refresh: queryserver.Hash(refresh.Hash()),
		Device: queryserver.Hash(token.New(token.Device).Hash()), Methods: []string{"pwd"}, RefreshExpires: expires, Expires: expires,
	})
	require.NoError(t, err)
	access, _, err := e.logins.Tokens.Issue(jwt.Claims{
		Subject: user.User, Session: id, Organization: user.Organization, Workspace: in.Workspace, Tenant: in.Tenant,
	})
	require.NoError(t, err)
	return opened{id: id, cookie: cookie.Reveal(), access: access, refresh: refresh.Reveal()}
}
