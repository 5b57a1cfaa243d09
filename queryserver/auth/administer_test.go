package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 6.2.3, 7.5.1: a session alone sets up no second factor, and guesses at codes are
// counted as failed logins are.
func TestMFASetup_ASVS_6_2_3(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	call := w.call(t, w.in(t))
	_, err := w.BeginMFASetup(t.Context(), call, "")
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.BeginMFASetup(t.Context(), call, "wrong")
	requireCode(t, queryserver.Unauthenticated, err)
	enrollment, err := w.BeginMFASetup(t.Context(), call, secret)
	require.NoError(t, err)
	for range 4 {
		_, err = w.ConfirmMFASetup(t.Context(), call, "000000")
		requireCode(t, queryserver.Invalid, err)
	}
	_, err = w.ConfirmMFASetup(t.Context(), call, "000000")
	requireCode(t, queryserver.TooMany, err)
	_, err = w.ConfirmMFASetup(t.Context(), call, w.code(t, enrollment.Secret))
	requireCode(t, queryserver.TooMany, err)

	require.NoError(t, w.Unlock(t.Context(), call, w.user.User))
	_, err = w.ConfirmMFASetup(t.Context(), call, w.code(t, enrollment.Secret))
	require.NoError(t, err)
	_, err = w.BeginMFASetup(t.Context(), call, secret)
	requireCode(t, queryserver.Conflict, err)
}

// A login takes a few codes while its factor is set up, whatever the account has left.
func TestMFA_EnrollmentIsBounded(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	call := w.call(t, w.in(t))
	require.NoError(t, w.store.SetPolicy(t.Context(), call, queryserver.Policy{MFARequired: true, DefaultRole: queryserver.RoleViewer}))
	result, err := w.login(t, secret, "")
	require.NoError(t, err)
	enrollment, err := w.BeginEnrollment(t.Context(), result.Temporary)
	require.NoError(t, err)
	factor := queryserver.SecondFactor{Temporary: result.Temporary, Code: "000000", Client: client}
	for range 4 {
		_, _, err = w.FinishEnrollment(t.Context(), factor)
		requireCode(t, queryserver.Invalid, err)
	}
	factor.Code = w.code(t, enrollment.Secret)
	_, _, err = w.FinishEnrollment(t.Context(), factor)
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.login(t, "wrong", "")
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.login(t, secret, "")
	requireCode(t, queryserver.Unauthenticated, err)
}

// Who has lost the app removes it with a recovery code, which counts once.
func TestMFA_RecoveryCodeProves(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	call := w.call(t, w.in(t))
	_, codes := w.enroll(t)
	fresh, err := w.NewRecoveryCodes(t.Context(), call, secret, codes[0])
	require.NoError(t, err)
	requireCode(t, queryserver.Unauthenticated, w.RemoveMFA(t.Context(), call, secret, codes[1]))
	require.NoError(t, w.RemoveMFA(t.Context(), call, secret, fresh[1]))
}

// ASVS 6.3.7, 7.4.5, 6.4.6: what administrators do, and what is told of it.
func TestAdminister(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	owner := w.call(t, w.in(t))
	_, code := w.invite(t, owner)
	result, err := w.AcceptInvitation(t.Context(), accepting(code))
	require.NoError(t, err)
	bob := result.Session
	call := w.call(t, bob)
	enrollment, err := w.BeginMFASetup(t.Context(), call, secret)
	require.NoError(t, err)
	_, err = w.ConfirmMFASetup(t.Context(), call, w.code(t, enrollment.Secret))
	require.NoError(t, err)

	sessions, err := w.UserSessions(t.Context(), owner, bob.User)
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	_, err = w.UserSessions(t.Context(), owner, tenant.ID{1})
	requireCode(t, queryserver.NotFound, err)
	requireCode(t, queryserver.NotFound, w.EndUserSession(t.Context(), owner, bob.User, owner.Session))
	requireCode(t, queryserver.Forbidden, w.ResetMFA(t.Context(), owner, w.user.User))
	require.NoError(t, w.ResetMFA(t.Context(), owner, bob.User))
	requireCode(t, queryserver.NotFound, w.ResetMFA(t.Context(), owner, bob.User))
	_, err = w.ByAccessToken(t.Context(), bob.Tokens.Access, client)
	requireCode(t, queryserver.Unauthenticated, err)
	w.Close()
	var told bool
	for _, letter := range w.sink.Messages(bobEmail) {
		told = told || letter.Subject == "Changed: your second factor (removed by an administrator)"
	}
	require.True(t, told)

	require.NoError(t, w.SendReset(t.Context(), owner, bob.User))
	require.NoError(t, w.FinishReset(t.Context(), w.link(t, bobEmail, "/reset#"), "a lighthouse at noon", client))
	trail, err := w.store.AuditTrail(t.Context(), owner, queryserver.AuditQuery{To: time.Now().Add(time.Hour), Limit: 100})
	require.NoError(t, err)
	by := make(map[string]string)
	for _, entry := range trail {
		by[entry.Action] = entry.Actor
	}
	require.Equal(t, owner.Subject.ID, by["user.reset_mfa"])
	require.Equal(t, owner.Subject.ID, by["user.request_password_reset"])
	require.Equal(t, bob.User.String(), by["user.reset_password"])

	disabled := false
	require.NoError(t, w.store.UpdateUser(t.Context(), owner, bob.User, nil, &disabled))
	requireCode(t, queryserver.Conflict, w.SendReset(t.Context(), owner, bob.User))
}
