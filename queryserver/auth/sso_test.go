package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// Who has no password proves himself by his second factor, and who has none either by a
// login of a moment ago (ASVS 7.5.1).
func TestReauthenticate_ASVS_7_5_1_WithoutPassword(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	user, err := w.store.CreateUser(t.Context(), queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, client, w.organization, "grace@example.com", "", "", nil)
	require.NoError(t, err)
	session, _, err := w.store.OpenSession(t.Context(), user, &queryserver.NewSession{
		Cookie: queryserver.Hash{1}, Device: queryserver.Hash{2}, Methods: []string{"sso"}, Client: client, Expires: time.Now().Add(24 * time.Hour),
	})
	require.NoError(t, err)
	call := &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.UserSubject, ID: user.User.String()}, Client: client, Session: session,
		Scope: queryserver.NewScope(w.organization, w.tenant, nil),
	}
	w.later(9 * time.Minute)
	enrollment, err := w.BeginMFASetup(t.Context(), call, "")
	require.NoError(t, err)
	w.later(2 * time.Minute)
	_, err = w.BeginMFASetup(t.Context(), call, "")
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, "Log in again first")
	_, err = w.ConfirmMFASetup(t.Context(), call, w.code(t, enrollment.Secret))
	require.NoError(t, err)

	w.later(time.Minute)
	_, err = w.NewRecoveryCodes(t.Context(), call, "", "000000")
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.NewRecoveryCodes(t.Context(), call, "", w.code(t, enrollment.Secret))
	require.NoError(t, err)
	for range 5 {
		_, err = w.NewRecoveryCodes(t.Context(), call, "", "000000")
		requireCode(t, queryserver.Unauthenticated, err)
	}
	w.later(time.Minute)
	requireCode(t, queryserver.Unauthenticated, w.RemoveMFA(t.Context(), call, "", w.code(t, enrollment.Secret)))
}

// ASVS 13.3.1: the secret of a provider opens for its row, and for whom it was given.
func TestSealProvider_ASVS_13_3_1_BoundToItsIssuer(t *testing.T) {
	t.Parallel()
	sealer, err := seal.New(seal.Settings{Keys: []seal.KeySettings{{ID: "k1", Key: randomKey()}}})
	require.NoError(t, err)
	provider := queryserver.Provider{Name: "corp", Kind: "oidc", Issuer: "https://idp.example"}
	auth.SealProvider(sealer, &provider, "secret")
	require.NotContains(t, string(provider.Sealed), "secret")
	again := provider
	auth.SealProvider(sealer, &again, "secret")
	require.NotEqual(t, provider.Sealed, again.Sealed)
	row := seal.Row{Table: "sso_providers", Column: "client_secret", ID: provider.ID.String() + " oidc https://idp.example"}
	opened, err := sealer.Open(string(provider.Sealed), row)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	row.ID = provider.ID.String() + " oidc https://evil.example"
	_, err = sealer.Open(string(provider.Sealed), row)
	require.Error(t, err)
}
