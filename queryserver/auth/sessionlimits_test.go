package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
)

// browser logs in by cookie.
func (w *world) browser(t *testing.T, device string) *queryserver.OpenedSession {
	t.Helper()
	result, err := w.Login(t.Context(), queryserver.LoginAttempt{Email: email, Password: secret, Cookie: true, Device: device, Client: client})
	require.NoError(t, err)
	return result.Session
}

// ASVS 7.3.1: a browser's session ends when it was not used for a while, and use keeps it.
func TestSession_ASVS_7_3_1_Idle(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	idle := auth.DefaultSettings().Idle
	used, unused := w.browser(t, ""), w.browser(t, "")
	w.later(idle - time.Minute)
	_, err := w.ByCookie(t.Context(), used.Cookie, client)
	require.NoError(t, err)
	// That of the store is PostgreSQL's time, to which the clock of the service is ahead.
	w.sql(t, "UPDATE sessions SET last_seen_at = now() + $2 WHERE session_id = $1", used.ID.String(), idle-time.Minute)
	w.later(2 * time.Minute)
	_, err = w.ByCookie(t.Context(), unused.Cookie, client)
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.ByCookie(t.Context(), used.Cookie, client)
	require.NoError(t, err)
}

// ASVS 7.1.1, 7.3.2, 10.4.8: whatever is done in it, a session ends, with its cookie, its
// access tokens and its refresh tokens.
func TestSession_ASVS_7_3_2_Absolute(t *testing.T) {
	t.Parallel()
	const absolute = time.Hour
	w := setup(t, func(s *auth.Settings) { s.Absolute = absolute })
	browser, program := w.browser(t, ""), w.in(t)
	for range 11 { // in use all the time
		w.later(5 * time.Minute)
		w.sql(t, "UPDATE sessions SET last_seen_at = now() + $1", time.Duration(w.clock.Load()))
		_, err := w.ByCookie(t.Context(), browser.Cookie, client)
		require.NoError(t, err)
		program, err = w.Refresh(t.Context(), program.Tokens.Refresh, client)
		require.NoError(t, err)
		w.call(t, program)
	}
	w.later(6 * time.Minute)
	w.sql(t, "UPDATE sessions SET last_seen_at = now() + $1", time.Duration(w.clock.Load()))
	_, err := w.ByCookie(t.Context(), browser.Cookie, client)
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = w.ByAccessToken(t.Context(), program.Tokens.Access, client)
	requireCode(t, queryserver.Unauthenticated, err)
	w.sql(t, "UPDATE sessions SET expires_at = now() - interval '1 second'") // as PostgreSQL's clock would say
	_, err = w.Refresh(t.Context(), program.Tokens.Refresh, client)
	requireCode(t, queryserver.Unauthenticated, err)
}

// ASVS 7.3.1: a refresh token that lies unused ends.
func TestSession_ASVS_7_3_1_RefreshExpires(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	session := w.in(t)
	w.sql(t, "UPDATE refresh_tokens SET expires_at = now() - interval '1 second'")
	_, err := w.Refresh(t.Context(), session.Tokens.Refresh, client)
	requireCode(t, queryserver.Unauthenticated, err)
}

// ASVS 7.2.4: each login has a session of its own, whatever the browser brings along.
func TestSession_ASVS_7_2_4_NewAtLogin(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	first := w.browser(t, "")
	second := w.browser(t, first.Device)
	require.NotEqual(t, first.Cookie, second.Cookie)
	require.NotEqual(t, first.ID, second.ID)
	seed, _ := w.enroll(t)
	result, err := w.login(t, secret, first.Device)
	require.NoError(t, err)
	require.Nil(t, result.Session, "no session before the second factor")
	opened, err := w.ValidateMFA(t.Context(), queryserver.SecondFactor{Temporary: result.Temporary, Code: w.code(t, seed), Device: first.Device, Cookie: true, Client: client})
	require.NoError(t, err)
	require.NotContains(t, []string{first.Cookie, second.Cookie, result.Temporary}, opened.Cookie)
}

// The set-up link comes exactly while nobody can log in.
func TestSetup_ASVS_6_3_2_WhileNobodyCanLogIn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"disabled":                {"UPDATE users SET is_enabled = FALSE", "UPDATE users SET is_enabled = TRUE"},
		"deleted":                 {"UPDATE users SET is_deleted = TRUE", "UPDATE users SET is_deleted = FALSE"},
		"a factor, no password":   {"UPDATE user_credentials SET password_hash = NULL, totp_secret = 'sealed'", ""},
		"nothing to log in by":    {"DELETE FROM user_credentials", ""},
		"passwords not let in":    {"INSERT INTO organization_policies (organization_id, sso_only) SELECT organization_id, TRUE FROM organizations", "DELETE FROM organization_policies"},
		"an organization deleted": {"UPDATE organizations SET is_deleted = TRUE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, nil)
			link, err := w.OfferSetup(t.Context())
			require.NoError(t, err)
			require.Empty(t, link)
			w.sql(t, change[0])
			link, err = w.OfferSetup(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, link)
			if change[1] != "" {
				w.sql(t, change[1])
				has, err := w.store.HasUsers(t.Context())
				require.NoError(t, err)
				require.True(t, has)
			}
		})
	}
}
