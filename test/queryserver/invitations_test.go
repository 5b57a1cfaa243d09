//go:build linux

package queryserver

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const (
	ownerRole     = "00000000-0000-8000-8000-000000000001"
	developerRole = "00000000-0000-8000-8000-000000000003"
	viewerRole    = "00000000-0000-8000-8000-000000000004"
	invitations   = "/api/v2/invitations"
)

type invitation struct{ InvitationID, Email string }

// tenant is where a caller works.
func (c *client) tenant(t *testing.T) string {
	t.Helper()
	var me struct{ TenantID string }
	status, _ := c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	return me.TenantID
}

func invitationTo(email, role, tenant string) map[string]any {
	return map[string]any{"email": email, "roles": []map[string]any{{"roleId": role, "tenantId": tenant}}}
}

// invite asks somebody in and gives the code of the link.
func (s *server) invite(t *testing.T, by *client, email, role string) (made invitation, code string) {
	t.Helper()
	status, _ := by.ask(t, http.MethodPost, invitations, invitationTo(email, role, by.tenant(t)), &made)
	require.Equal(t, http.StatusCreated, status)
	return made, s.code(t, email, "/invitation#")
}

// code is that of the next link of a kind that is mailed to an address.
func (s *server) code(t *testing.T, email, kind string) string {
	t.Helper()
	for {
		if _, after, is := strings.Cut(s.sink.Await(t, email).Text, s.url+kind); is {
			return strings.Fields(after)[0]
		}
	}
}

func accepting(code string) map[string]any {
	return map[string]any{"code": code, "displayName": "Bob", "password": secret}
}

// ASVS 6.4.1: from the mail to the page to a user with the roles, once.
func TestInvitation_ASVS_6_4_1_ByMail(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner := s.login(t, email)
	made, code := s.invite(t, owner, "bob@example.com", developerRole)
	browser := s.browser(t)
	require.Contains(t, browser.get(t, s.url+"/invitation"), "/page.js")
	form := url.Values{"code": {code}, "name": {"Bob"}, "password": {"short"}}
	require.Contains(t, browser.post(t, s.url+"/invitation", form), "role=\"alert\"")
	form.Set("password", secret)
	require.Contains(t, browser.post(t, s.url+"/invitation", form), "logged in as Bob")
	require.Contains(t, browser.post(t, s.url+"/invitation", form), "not any more", "once")

	bob := s.login(t, "bob@example.com")
	var me struct {
		ID          string
		Permissions []string
	}
	status, _ := bob.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, me.Permissions, "dashboards:write")
	require.NotContains(t, me.Permissions, "users:read")
	var roles struct{ Items []struct{ RoleID string } }
	status, _ = owner.ask(t, http.MethodGet, "/api/v2/users/"+me.ID+"/roles", nil, &roles)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, roles.Items, 1)
	require.Equal(t, developerRole, roles.Items[0].RoleID)
	status, _ = owner.ask(t, http.MethodPost, invitations+"/"+made.InvitationID+"/resend", nil, nil)
	require.Equal(t, http.StatusNotFound, status, "it is accepted")
	require.NotContains(t, s.Output(), code)
}

// ASVS 15.4.2: accepted a hundred times at once, it makes one user.
func TestInvitation_ASVS_15_4_2_Once(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, code := s.invite(t, s.login(t, email), "bob@example.com", viewerRole)
	var accepted atomic.Int32
	var running sync.WaitGroup
	stranger := s.client(t)
	for range 100 {
		running.Go(func() {
			if status, _ := stranger.ask(t, http.MethodPost, invitations+"/accept", accepting(code), nil); status == http.StatusOK {
				accepted.Add(1)
			}
		})
	}
	running.Wait()
	require.EqualValues(t, 1, accepted.Load())
}

// Revoked, expired, sent again: only the newest link of an open invitation counts.
func TestInvitation_Ends(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner, stranger := s.login(t, email), s.client(t)
	accept := func(code string) int {
		status, _ := stranger.ask(t, http.MethodPost, invitations+"/accept", accepting(code), nil)
		return status
	}
	revoked, code := s.invite(t, owner, "carol@example.com", viewerRole)
	status, _ := owner.ask(t, http.MethodDelete, invitations+"/"+revoked.InvitationID, nil, nil)
	require.Less(t, status, 300)
	require.Equal(t, http.StatusBadRequest, accept(code), "revoked")

	made, first := s.invite(t, owner, "bob@example.com", viewerRole)
	status, _ = owner.ask(t, http.MethodPost, invitations, invitationTo("BOB@example.com", viewerRole, owner.tenant(t)), nil)
	require.Equal(t, http.StatusConflict, status, "one at a time")
	conn, err := pgx.Connect(t.Context(), s.database.AdminURL)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "UPDATE invitations SET expires_at = now() - interval '1 second'")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, accept(first), "expired")

	var open struct{ Items []invitation }
	status, _ = owner.ask(t, http.MethodGet, invitations, nil, &open)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []invitation{made}, open.Items, "it can be sent again")
	status, _ = owner.ask(t, http.MethodPost, invitations+"/"+made.InvitationID+"/resend", nil, nil)
	require.Equal(t, http.StatusOK, status)
	second := s.code(t, "bob@example.com", "/invitation#")
	require.Equal(t, http.StatusBadRequest, accept(first), "the link before")
	require.Equal(t, http.StatusOK, accept(second))
}

func TestInvitation_Pages(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner := s.login(t, email)
	var want []string
	for _, name := range []string{"bob", "carol", "dan"} {
		made, _ := s.invite(t, owner, name+"@example.com", viewerRole)
		want = append([]string{made.InvitationID}, want...)
	}
	var got []string
	for target := invitations + "?limit=1"; ; {
		var page struct {
			Items      []invitation
			NextCursor string
		}
		status, _ := owner.ask(t, http.MethodGet, target, nil, &page)
		require.Equal(t, http.StatusOK, status)
		require.Len(t, page.Items, 1)
		got = append(got, page.Items[0].InvitationID)
		if page.NextCursor == "" {
			break
		}
		target = invitations + "?limit=1&cursor=" + url.QueryEscape(page.NextCursor)
	}
	require.Equal(t, want, got)
}

// Incident 20: the id of another organization's invitation, user, session, tenant or
// workspace is as good as none.
func TestIncident20_ForeignIDs(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner := s.login(t, email)
	made, code := s.invite(t, owner, "bob@example.com", viewerRole)
	var me struct{ ID, TenantID, WorkspaceID string }
	status, _ := owner.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	var sessions struct{ Items []struct{ SessionID string } }
	status, _ = owner.ask(t, http.MethodGet, "/api/v2/auth/sessions", nil, &sessions)
	require.Equal(t, http.StatusOK, status)

	s.plant(t, "globex")
	s.createIn(t, "globex", "eve@example.com", "Owner")
	eve := s.login(t, "eve@example.com")
	user, session := "/api/v2/users/"+me.ID, sessions.Items[0].SessionID
	for _, refused := range [][2]string{
		{http.MethodDelete, invitations + "/" + made.InvitationID},
		{http.MethodPost, invitations + "/" + made.InvitationID + "/resend"},
		{http.MethodGet, user + "/sessions"},
		{http.MethodDelete, user + "/sessions"},
		{http.MethodDelete, user + "/sessions/" + session},
		{http.MethodDelete, user + "/mfa"},
		{http.MethodPost, user + "/password-reset"},
		{http.MethodPost, user + "/unlock"},
		{http.MethodDelete, "/api/v2/auth/sessions/" + session},
		{http.MethodDelete, "/api/v2/tenants/" + me.TenantID},
		{http.MethodDelete, "/api/v2/workspaces/" + me.WorkspaceID},
	} {
		status, _ := eve.ask(t, refused[0], refused[1], nil, nil)
		require.Equal(t, http.StatusNotFound, status, refused)
	}
	for _, path := range []string{"/api/v2/tenants/" + me.TenantID, "/api/v2/workspaces/" + me.WorkspaceID} {
		status, _ := eve.ask(t, http.MethodPatch, path, map[string]any{"name": "mine"}, nil)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ = eve.ask(t, http.MethodPost, invitations, invitationTo("x@example.com", viewerRole, me.TenantID), nil)
	require.Equal(t, http.StatusNotFound, status, "a role in a tenant of another organization")
	status, _ = s.client(t).ask(t, http.MethodPost, invitations+"/accept", accepting(code), nil)
	require.Equal(t, http.StatusOK, status, "nothing has happened to it")
}

// ASVS 6.3.8: that an address is a user of another organization shows to nobody but who
// reads the mail; in the inviter's own organization it is a conflict.
func TestInvitation_ASVS_6_3_8_ForeignAddress(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.plant(t, "globex")
	s.createIn(t, "globex", "eve@example.com", "Owner")
	owner := s.login(t, email)
	status, _ := owner.ask(t, http.MethodPost, invitations, invitationTo(email, viewerRole, owner.tenant(t)), nil)
	require.Equal(t, http.StatusConflict, status)
	_, code := s.invite(t, owner, "eve@example.com", viewerRole)
	status, _ = s.client(t).ask(t, http.MethodPost, invitations+"/accept", accepting(code), nil)
	require.Equal(t, http.StatusConflict, status)
	s.login(t, "eve@example.com") // by her password as before
}

// ASVS 8.2.1: nobody invites to, sends again or takes back what he could not give.
func TestInvitation_ASVS_8_2_1_NoEscalation(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.create(t, "adam@example.com", "Administrator")
	owner, adam := s.login(t, email), s.login(t, "adam@example.com")
	status, _ := adam.ask(t, http.MethodPost, invitations, invitationTo("bob@example.com", ownerRole, adam.tenant(t)), nil)
	require.Equal(t, http.StatusForbidden, status)
	made, code := s.invite(t, owner, "bob@example.com", ownerRole)
	for _, refused := range [][2]string{{http.MethodDelete, ""}, {http.MethodPost, "/resend"}} {
		status, _ = adam.ask(t, refused[0], invitations+"/"+made.InvitationID+refused[1], nil, nil)
		require.Equal(t, http.StatusForbidden, status, refused)
	}
	status, _ = s.client(t).ask(t, http.MethodPost, invitations+"/accept", accepting(code), nil)
	require.Equal(t, http.StatusOK, status)
}
