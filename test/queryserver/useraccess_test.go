//go:build linux

package queryserver

import (
	"net/http"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// enroll sets up a second factor, and gives its secret.
func (c *client) enroll(t *testing.T) string {
	t.Helper()
	var begun struct{ Secret string }
	status, _ := c.ask(t, http.MethodPost, "/api/v2/auth/mfa", map[string]any{"currentPassword": secret}, &begun)
	require.Equal(t, http.StatusOK, status)
	status, _ = c.ask(t, http.MethodPost, "/api/v2/auth/mfa/confirm", map[string]any{"mfaCode": totpOf(t, begun.Secret)}, nil)
	require.Equal(t, http.StatusOK, status)
	return begun.Secret
}

// totpOf is what an authenticator app shows.
func totpOf(t *testing.T, seed string) string {
	t.Helper()
	code, err := totp.GenerateCode(seed, time.Now())
	require.NoError(t, err)
	return code
}

// awaitSubject waits for a letter among others.
func (s *server) awaitSubject(t *testing.T, to, subject string) {
	t.Helper()
	for {
		if s.sink.Await(t, to).Subject == subject {
			return
		}
	}
}

// ASVS 7.4.5: administrators see and end the sessions of a user.
func TestUserAccess_ASVS_7_4_5_Sessions(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := s.create(t, "bob@example.com", "Viewer")
	owner, one, two := s.login(t, email), s.login(t, "bob@example.com"), s.login(t, "bob@example.com")
	at := "/api/v2/users/" + id + "/sessions"
	status, _ := one.ask(t, http.MethodGet, at, nil, nil)
	require.Equal(t, http.StatusForbidden, status, "a Viewer")
	var open struct{ Items []struct{ SessionID string } }
	status, _ = owner.ask(t, http.MethodGet, at, nil, &open)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, open.Items, 2)
	status, _ = owner.ask(t, http.MethodDelete, at+"/"+open.Items[1].SessionID, nil, nil)
	require.Less(t, status, 300)
	status, _ = one.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = two.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusOK, status)
	var ended struct{ Ended int }
	status, _ = owner.ask(t, http.MethodDelete, at, nil, &ended)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, ended.Ended)
	require.Eventually(t, func() bool {
		status, _ := two.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
		return status == http.StatusUnauthorized
	}, 5*time.Second, 50*time.Millisecond)
}

// ASVS 6.3.7, 6.4.6: a lost factor is removed and its user told; a link to a new password
// goes to the user alone; nobody does any of it to who may do more than he.
func TestUserAccess_ASVS_6_4_6(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.create(t, "adam@example.com", "Administrator")
	id := s.create(t, "bob@example.com", "Viewer")
	owner, adam, bob := s.login(t, email), s.login(t, "adam@example.com"), s.login(t, "bob@example.com")
	seed := bob.enroll(t)
	var me struct{ ID string }
	status, _ := owner.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	for _, refused := range [][2]string{
		{http.MethodDelete, "/mfa"}, {http.MethodDelete, "/sessions"}, {http.MethodPost, "/password-reset"}, {http.MethodPost, "/unlock"},
	} {
		status, _ := adam.ask(t, refused[0], "/api/v2/users/"+me.ID+refused[1], nil, nil)
		require.Equal(t, http.StatusForbidden, status, refused)
	}
	owner.enroll(t)
	status, _ = owner.ask(t, http.MethodDelete, "/api/v2/users/"+me.ID+"/mfa", nil, nil)
	require.Equal(t, http.StatusForbidden, status, "his own, without proof")

	status, _ = adam.ask(t, http.MethodDelete, "/api/v2/users/"+id+"/mfa", nil, nil)
	require.Less(t, status, 300)
	require.Eventually(t, func() bool {
		status, _ := bob.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
		return status == http.StatusUnauthorized
	}, 5*time.Second, 50*time.Millisecond)
	s.awaitSubject(t, "bob@example.com", "Changed: your second factor (removed by an administrator)")
	require.NotEmpty(t, totpOf(t, seed))
	s.login(t, "bob@example.com") // by password alone

	status, _ = adam.ask(t, http.MethodPost, "/api/v2/users/"+id+"/password-reset", nil, nil)
	require.Less(t, status, 300)
	code := s.code(t, "bob@example.com", "/reset#")
	status, _ = s.client(t).ask(t, http.MethodPost, "/api/v2/auth/password-reset/confirm", map[string]any{"code": code, "newPassword": secret + " at last"}, nil)
	require.Less(t, status, 300)
}

// ASVS 6.3.8: unlocking says nothing of whether anybody was locked.
func TestUserAccess_Unlock(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := s.create(t, "bob@example.com", "Viewer")
	owner, stranger := s.login(t, email), s.client(t)
	try := func(password string) int {
		status, _ := stranger.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": "bob@example.com", "password": password}, nil)
		return status
	}
	for range 5 {
		require.Equal(t, http.StatusUnauthorized, try("wrong"))
	}
	require.Equal(t, http.StatusUnauthorized, try(secret))
	first, _ := owner.ask(t, http.MethodPost, "/api/v2/users/"+id+"/unlock", nil, nil)
	require.Less(t, first, 300)
	second, _ := owner.ask(t, http.MethodPost, "/api/v2/users/"+id+"/unlock", nil, nil)
	require.Equal(t, first, second)
	require.Equal(t, http.StatusOK, try(secret))
}

// ASVS 8.2.1: what takes something from others is for who is Owner there.
func TestOrganization_ASVS_8_2_1_OwnersOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.create(t, "adam@example.com", "Administrator")
	owner, adam := s.login(t, email), s.login(t, "adam@example.com")
	var me struct{ TenantID, WorkspaceID string }
	status, _ := owner.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	name := map[string]any{"name": "renamed"}
	for _, refused := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPatch, "/api/v2/organization", name},
		{http.MethodPatch, "/api/v2/tenants/" + me.TenantID, name},
		{http.MethodDelete, "/api/v2/tenants/" + me.TenantID, nil},
		{http.MethodPatch, "/api/v2/workspaces/" + me.WorkspaceID, name},
		{http.MethodDelete, "/api/v2/workspaces/" + me.WorkspaceID, nil},
	} {
		status, _ := adam.ask(t, refused.method, refused.path, refused.body, nil)
		require.Equal(t, http.StatusForbidden, status, refused)
		if refused.method == http.MethodPatch {
			status, _ = owner.ask(t, refused.method, refused.path, refused.body, nil)
			require.Less(t, status, 300, refused)
		}
	}
	// Who makes a tenant holds no more in it than where he made it. Who owns all others owns it.
	var made struct{ TenantID string }
	status, _ = adam.ask(t, http.MethodPost, "/api/v2/tenants", map[string]any{"name": "lab", "workspaceId": me.WorkspaceID}, &made)
	require.Equal(t, http.StatusCreated, status)
	status, _ = adam.ask(t, http.MethodDelete, "/api/v2/tenants/"+made.TenantID, nil, nil)
	require.Equal(t, http.StatusForbidden, status, "its Administrator")
	require.Eventually(t, func() bool { // his grants are read anew
		status, _ = owner.ask(t, http.MethodDelete, "/api/v2/tenants/"+made.TenantID, nil, nil)
		return status < 300
	}, 5*time.Second, 50*time.Millisecond)
}

// A key that is made is told to its maker.
func TestKeys_ASVS_6_3_7_MakerIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner := s.login(t, email)
	var key struct{ KeyID, Secret string }
	status, _ := owner.ask(t, http.MethodPost, "/api/v2/api-keys", map[string]any{"name": "gateway", "permissions": []string{"logs:write"}}, &key)
	require.Equal(t, http.StatusCreated, status)
	var account struct{ ID string }
	status, _ = owner.ask(t, http.MethodPost, "/api/v2/service-accounts", map[string]any{"name": "grafana"}, &account)
	require.Equal(t, http.StatusCreated, status)
	var token struct{ TokenID, Token string }
	status, _ = owner.ask(t, http.MethodPost, "/api/v2/service-accounts/"+account.ID+"/tokens", map[string]any{"name": "dashboards"}, &token)
	require.Equal(t, http.StatusCreated, status)
	want := map[string]string{"New key in acme: gateway": key.KeyID, "New key in acme: dashboards": token.TokenID}
	for len(want) > 0 {
		letter := s.sink.Await(t, email)
		if id, wanted := want[letter.Subject]; wanted {
			require.Contains(t, letter.Text, id)
			require.NotContains(t, letter.Text, key.Secret)
			require.NotContains(t, letter.Text, token.Token)
			delete(want, letter.Subject)
		}
	}
}
