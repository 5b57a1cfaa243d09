package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// What an estate can have more of.

// newRole reads, and does not see the services aside.
func (e *estate) newRole(t *testing.T) tenant.ID {
	t.Helper()
	role := &queryserver.Role{
		Name: e.canary + "-" + fresh(), Permissions: append(readPermissions(), queryserver.UsersRead),
		Filter: []queryserver.Predicate{{Dimension: "service", Values: []string{e.service("shop"), e.service("shop") + mate, e.service("lab"), e.service("lab") + mate}}},
	}
	require.NoError(t, e.store.CreateRole(t.Context(), e.operator, role))
	return role.ID
}

func (e *estate) newAccount(t *testing.T, role tenant.ID) tenant.ID {
	t.Helper()
	id, err := e.store.CreateServiceAccount(t.Context(), e.operator, e.canary+"-"+fresh(), e.everywhere(role))
	require.NoError(t, err)
	return id
}

func (e *estate) newToken(t *testing.T, account tenant.ID, life time.Duration) (id tenant.ID, secret string) {
	t.Helper()
	expires := time.Now().Add(life)
	made := &queryserver.Token{Name: e.canary, ExpiresAt: &expires}
	secret, err := e.logins.CreateServiceToken(t.Context(), e.operator, account, made)
	require.NoError(t, err)
	return made.ID, secret
}

func (e *estate) newKey(t *testing.T, kind keyadmin.Kind, binding tenant.ID, permissions ...tenant.Permission) apikey.Credential {
	t.Helper()
	_, credential, err := e.keys.Create(t.Context(), keyadmin.NewKey{Name: e.canary, Kind: kind, Binding: binding, Permissions: permissions})
	require.NoError(t, err)
	return credential
}

// newProvider is of a kind that need not be called before a login.
func (e *estate) newProvider(t *testing.T) tenant.ID {
	t.Helper()
	name := e.canary + "-" + fresh()
	made := queryserver.Provider{Name: name, DisplayName: name, Kind: "github", ClientID: "telemetryflow", Enabled: true}
	require.NoError(t, e.logins.CreateProvider(t.Context(), e.operator, &made, "a secret of the provider"))
	return made.ID
}

// newDomain is proved.
func (e *estate) newDomain(t *testing.T) string {
	t.Helper()
	made, err := e.logins.AddDomain(t.Context(), e.operator, e.canary+"-"+fresh()+".example.com")
	require.NoError(t, err)
	require.NoError(t, e.store.VerifyDomain(t.Context(), e.operator, &made))
	return made.Domain
}

// newIdentity is somebody at a provider whom nobody knows yet.
func (e *estate) newIdentity() queryserver.Identity {
	name := e.canary + "-" + fresh()
	return queryserver.Identity{Issuer: "https://github.com", Subject: name, Email: name + "@example.com", EmailVerified: true}
}

// identityOf is the one that a user was made with.
func (e *estate) identityOf(t *testing.T, user queryserver.UserRef) tenant.ID {
	t.Helper()
	all, err := e.store.Identities(t.Context(), user)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all[0].ID
}

// newInvitation invites somebody into the shop.
func (e *estate) newInvitation(t *testing.T, role tenant.ID) (id tenant.ID, code string) {
	t.Helper()
	made := token.New(token.Invitation)
	invitation := &queryserver.Invitation{
		Email: e.canary + "-" + fresh() + "@example.com", InvitedBy: e.owner.User, ExpiresAt: time.Now().Add(time.Hour),
		Roles: []queryserver.Assignment{{Role: role, Tenant: e.shop.Tenant}},
	}
	require.NoError(t, e.store.Invite(t.Context(), e.operator, invitation, queryserver.Hash(made.Hash())))
	return invitation.ID, made.Reveal()
}
