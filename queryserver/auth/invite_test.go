package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
)

const bobEmail = "bob@example.com"

// invite asks Bob in with a role, and gives the code of the link.
func (w *world) invite(t *testing.T, by *queryserver.Call) (queryserver.Invitation, string) {
	t.Helper()
	invitation, err := w.Invite(t.Context(), by, bobEmail, []queryserver.Assignment{{Role: queryserver.RoleViewer, Tenant: w.tenant.Tenant}})
	require.NoError(t, err)
	return invitation, w.link(t, bobEmail, "/invitation#")
}

// link is what follows # in the next link of a kind that is mailed to an address.
func (w *world) link(t *testing.T, to, kind string) string {
	t.Helper()
	for {
		if letter := w.sink.Await(t, to); strings.Contains(letter.Text, kind) {
			_, code, _ := strings.Cut(letter.Link(t), "#")
			return code
		}
	}
}

func accepting(code string) queryserver.Acceptance {
	return queryserver.Acceptance{Code: code, DisplayName: "Bob", Password: secret, Client: client}
}

// ASVS 6.4.1: the link is in the mail alone, holds an hour, and makes one user.
func TestInvite_ASVS_6_4_1(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	owner := w.call(t, w.in(t))
	invitation, code := w.invite(t, owner)
	require.WithinDuration(t, w.now().Add(time.Hour), invitation.ExpiresAt, time.Minute)
	short := accepting(code)
	short.Password = "short"
	_, err := w.AcceptInvitation(t.Context(), short)
	requireCode(t, queryserver.Invalid, err)
	require.Equal(t, 1, atOnce(t.Context(), 5, func(ctx context.Context) bool {
		_, err := w.AcceptInvitation(ctx, accepting(code))
		return err == nil
	}))
	result, err := w.Login(t.Context(), queryserver.LoginAttempt{Email: bobEmail, Password: secret, Client: client})
	require.NoError(t, err)
	require.True(t, w.call(t, result.Session).Scope.Allows(queryserver.LogsRead))
	_, err = w.AcceptInvitation(t.Context(), accepting("tfi_"+strings.Repeat("0", 64)))
	requireCode(t, queryserver.Invalid, err)
	_, err = w.Invite(t.Context(), owner, bobEmail, nil)
	requireCode(t, queryserver.Conflict, err)
}

// What the organization demands of logins holds for who is invited too (ASVS 6.4.1: an
// invitation does not pass by the second factor).
func TestInvite_Policy(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	owner := w.call(t, w.in(t))
	_, code := w.invite(t, owner)
	demand := queryserver.Policy{SSOOnly: true, DefaultRole: queryserver.RoleViewer}
	require.NoError(t, w.store.SetPolicy(t.Context(), owner, demand))
	_, err := w.AcceptInvitation(t.Context(), accepting(code))
	requireCode(t, queryserver.Forbidden, err)
	demand.SSOOnly, demand.MFARequired = false, true
	require.NoError(t, w.store.SetPolicy(t.Context(), owner, demand))
	result, err := w.AcceptInvitation(t.Context(), accepting(code))
	require.NoError(t, err)
	require.Nil(t, result.Session)
	require.True(t, result.Enroll)
	enrollment, err := w.BeginEnrollment(t.Context(), result.Temporary)
	require.NoError(t, err)
	opened, _, err := w.FinishEnrollment(t.Context(), queryserver.SecondFactor{Temporary: result.Temporary, Code: w.code(t, enrollment.Secret), Client: client})
	require.NoError(t, err)
	w.call(t, opened)
}

// Nobody is invited who cannot hear of it, and who tries again meets no remains.
func TestInvite_LetterRefused(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	owner := w.call(t, w.in(t))
	roles := []queryserver.Assignment{{Role: queryserver.RoleViewer, Tenant: w.tenant.Tenant}}
	for range 2 {
		_, err := w.Invite(t.Context(), owner, "Bob <bob@example.com>", roles)
		requireCode(t, queryserver.Invalid, err)
	}
	open, err := w.store.Invitations(t.Context(), owner, queryserver.Invitation{}, 10)
	require.NoError(t, err)
	require.Empty(t, open)
}

func TestSettings_Invitation(t *testing.T) {
	t.Parallel()
	settings := auth.DefaultSettings()
	settings.Invitation = 169 * time.Hour
	require.ErrorContains(t, settings.Validate(), "invitation")
}
