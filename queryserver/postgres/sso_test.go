package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	base "github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// provider makes one of the organization of the call.
func (w *world) provider(t *testing.T) *queryserver.Provider {
	t.Helper()
	made := &queryserver.Provider{
		ID: tenant.NewID(), Organization: w.organization, Name: "corp", Kind: "oidc", Issuer: "https://idp.example", ClientID: "app", Sealed: []byte("sealed"),
		Enabled: true, Parameters: map[string]string{"prompt": "login"},
	}
	require.NoError(t, w.store.CreateProvider(t.Context(), w.call, made))
	return made
}

func (w *world) prove(t *testing.T, name string) {
	t.Helper()
	domain := queryserver.Domain{Domain: name, Challenge: "c"}
	require.NoError(t, w.store.CreateDomain(t.Context(), w.call, &domain))
	require.NoError(t, w.store.VerifyDomain(t.Context(), w.call, &domain))
}

func someone(subject, email string) *queryserver.Identity {
	return &queryserver.Identity{Issuer: "https://idp.example", Subject: subject, Email: email, EmailVerified: true, Name: "Grace"}
}

// other is an organization of its own, with a call in it.
func (w *world) other(t *testing.T) *queryserver.Call {
	t.Helper()
	pool, err := base.Open(w.database.AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	id, err := bootstrap.CreateOrganization(t.Context(), pool, "umbrella")
	require.NoError(t, err)
	return &queryserver.Call{Subject: queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, Client: client, Scope: queryserver.NewScope(id, tenant.Scope{}, nil)}
}

// ASVS 15.4.2: what counts once counts once, however many try.
func TestStore_SSO_ASVS_15_4_2_Once(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, soon := t.Context(), time.Now().Add(time.Minute)
	corp := w.provider(t)
	require.NoError(t, w.store.BeginSSO(ctx, hash("state"), hash("browser"), queryserver.PendingSSO{Provider: corp.ID, Sealed: []byte("p")}, soon))
	_, err := w.store.FinishSSO(ctx, hash("state"), hash("another"))
	requireCode(t, queryserver.NotFound, err)
	require.Equal(t, 1, atOnce(func() bool {
		taken, err := w.store.FinishSSO(ctx, hash("state"), hash("browser"))
		return err == nil && taken.Provider == corp.ID
	}), "a login")
	require.NoError(t, w.store.BeginSSO(ctx, hash("old"), hash("browser"), queryserver.PendingSSO{Provider: corp.ID, Sealed: []byte("p")}, time.Now()))
	_, err = w.store.FinishSSO(ctx, hash("old"), hash("browser"))
	requireCode(t, queryserver.NotFound, err)

	code := queryserver.SSOCode{UserRef: w.owner, Methods: []string{"sso"}, MFA: true, Challenge: "c"}
	require.NoError(t, w.store.KeepSSOCode(ctx, hash("code"), &code, soon))
	require.Equal(t, 1, atOnce(func() bool {
		taken, err := w.store.TakeSSOCode(ctx, hash("code"))
		return err == nil && taken.User == w.owner.User && taken.MFA
	}), "a code")

	link := queryserver.SSOLink{UserRef: w.owner, Provider: corp.ID, Identity: *someone("1", "ada@example.com"), Browser: hash("b"), Expires: soon}
	require.NoError(t, w.store.KeepSSOLink(ctx, client, hash("earlier"), &link))
	require.NoError(t, w.store.KeepSSOLink(ctx, client, hash("link"), &link))
	for token, browser := range map[string]string{"link": "another", "earlier": "b"} {
		_, err = w.store.FinishSSOLink(ctx, client, hash(token), hash(browser))
		requireCode(t, queryserver.NotFound, err)
	}
	require.Equal(t, 1, atOnce(func() bool {
		_, err := w.store.FinishSSOLink(ctx, client, hash("link"), hash("b"))
		return err == nil
	}), "a link")
	user, err := w.store.FindIdentity(ctx, corp, someone("1", ""))
	require.NoError(t, err)
	require.Equal(t, w.owner, user)

	invitation := queryserver.Invitation{
		Email: "bob@example.com", InvitedBy: w.owner.User, ExpiresAt: soon,
		Roles: []queryserver.Assignment{{Role: queryserver.RoleDeveloper, Tenant: w.tenant.Tenant}},
	}
	require.NoError(t, w.store.Invite(ctx, w.call, &invitation, hash("invitation")))
	require.Equal(t, 1, atOnce(func() bool {
		_, err := w.store.JoinByInvitation(ctx, client, hash("invitation"), corp, someone("2", "Bob@example.com"))
		return err == nil
	}), "an invitation")
}

// ASVS 2.3.3: a newcomer with his identity, his role and the audit entry, or none of it.
func TestStore_SSO_ASVS_2_3_3_NewcomersAreWhole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, corp := t.Context(), w.provider(t)
	_, err := w.store.JoinByDomain(ctx, client, w.organization, corp, someone("1", "grace@example.com"))
	requireCode(t, queryserver.NotFound, err)
	w.prove(t, "example.com")
	user, err := w.store.JoinByDomain(ctx, client, w.organization, corp, someone("1", "grace@example.com"))
	require.NoError(t, err)
	grants, err := w.store.UserGrants(ctx, user)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.Equal(t, queryserver.RoleViewer, grants[0].Role)
	entries := func() int {
		trail, err := w.store.AuditTrail(ctx, w.call, queryserver.AuditQuery{To: time.Now().Add(time.Hour), Limit: 100})
		require.NoError(t, err)
		return len(trail)
	}
	before := entries()
	// The user is made before his identity turns out to be somebody's, and is gone with it.
	_, err = w.store.JoinByDomain(ctx, client, w.organization, corp, someone("1", "hopper@example.com"))
	requireCode(t, queryserver.Conflict, err)
	_, taken, err := w.store.FindLogin(ctx, "hopper@example.com")
	require.NoError(t, err)
	require.False(t, taken)
	require.Equal(t, before, entries())

	require.NoError(t, w.store.UseIdentity(ctx, client, user, corp, &queryserver.Identity{Issuer: "https://idp.example", Subject: "1", Name: "Grace Hopper"}))
	profile, err := w.store.User(ctx, user)
	require.NoError(t, err)
	require.Equal(t, "Grace Hopper", profile.DisplayName)
	require.Equal(t, before+1, entries())
	require.NoError(t, w.store.UseIdentity(ctx, client, user, corp, &queryserver.Identity{Issuer: "https://idp.example", Subject: "1"}))
	require.Equal(t, before+1, entries(), "nothing has changed")

	require.NoError(t, w.store.LinkIdentity(ctx, client, user, corp, someone("2", "")))
	linked, err := w.store.Identities(ctx, user)
	require.NoError(t, err)
	require.Len(t, linked, 2)
	require.Equal(t, 1, atOnce(func() bool {
		return w.store.UnlinkIdentity(ctx, client, user, linked[0].ID) == nil || w.store.UnlinkIdentity(ctx, client, user, linked[1].ID) == nil
	}), "the last way in stays")
	require.NoError(t, w.store.DeleteUser(ctx, w.call, user.User))
	for _, subject := range []string{"1", "2"} {
		_, err = w.store.FindIdentity(ctx, corp, someone(subject, ""))
		requireCode(t, queryserver.NotFound, err)
	}
}

// ASVS 6.8.1: a provider of one organization names no user of another, and is none of its.
func TestStore_SSO_ASVS_6_8_1_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, corp := t.Context(), w.provider(t)
	other := w.other(t)
	foreign := queryserver.UserRef{Organization: other.Scope.Organization()}
	var err error
	foreign, err = w.store.CreateUser(ctx, other.Subject, client, foreign.Organization, "eve@umbrella.example", "", "", nil)
	require.NoError(t, err)
	requireCode(t, queryserver.NotFound, w.store.LinkIdentity(ctx, client, foreign, corp, someone("1", "")))
	_, err = w.store.Provider(ctx, other, corp.ID)
	requireCode(t, queryserver.NotFound, err)
	requireCode(t, queryserver.Conflict, w.store.UpdateProvider(ctx, other, corp, corp.Sealed))
	requireCode(t, queryserver.NotFound, w.store.DeleteProvider(ctx, other, corp.ID))
	requireCode(t, queryserver.Conflict, w.store.UpdateProvider(ctx, w.call, corp, []byte("read before another change")))

	w.prove(t, "example.com")
	domain := queryserver.Domain{Domain: "example.com", Challenge: "c"}
	require.NoError(t, w.store.CreateDomain(ctx, other, &domain))
	requireCode(t, queryserver.Conflict, w.store.VerifyDomain(ctx, other, &domain))
	owner, err := w.store.OrganizationOfDomain(ctx, "example.com")
	require.NoError(t, err)
	require.Equal(t, w.organization, owner)

	// Providers of the installation are the operator's, and in every organization's trail.
	everywhere := queryserver.Provider{ID: tenant.NewID(), Name: "google", Kind: "google", ClientID: "app", Sealed: []byte("sealed")}
	require.NoError(t, w.store.CreateInstallationProvider(ctx, "root", &everywhere))
	requireCode(t, queryserver.NotFound, w.store.DeleteProvider(ctx, w.call, everywhere.ID))
	requireCode(t, queryserver.Conflict, w.store.UpdateProvider(ctx, w.call, &everywhere, everywhere.Sealed))
	require.NoError(t, w.store.DeleteInstallationProvider(ctx, "root", "google"))
	requireCode(t, queryserver.NotFound, w.store.DeleteInstallationProvider(ctx, "root", "google"))
	for _, call := range []*queryserver.Call{w.call, other} {
		trail, err := w.store.AuditTrail(ctx, call, queryserver.AuditQuery{To: time.Now().Add(time.Hour), Limit: 2})
		require.NoError(t, err)
		require.Equal(t, []string{"sso_provider.delete", "sso_provider.create"}, []string{trail[0].Action, trail[1].Action})
		require.Equal(t, queryserver.OperatorSubject, trail[0].ActorKind)
	}
	everywhere.Name = tenant.NewID().String()
	requireCode(t, queryserver.Invalid, w.store.CreateInstallationProvider(ctx, "root", &everywhere))
}
