//go:build linux

package queryserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ASVS 6.4.1, 6.4.3: a new password by the link of an e-mail, and a login after it.
func TestPages_ASVS_6_4_1_Reset(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := s.browser(t)
	require.Contains(t, browser.get(t, s.url+"/reset"), "/page.js")
	known := browser.post(t, s.url+"/reset/link", url.Values{"email": {email}})
	require.Equal(t, known, browser.post(t, s.url+"/reset/link", url.Values{"email": {"nobody@example.com"}}), "ASVS 6.3.8")
	form := url.Values{"code": {s.code(t, email, "/reset#")}, "password": {"short"}}
	page := browser.post(t, s.url+"/reset", form)
	require.Contains(t, page, "role=\"alert\"")
	require.Contains(t, page, form.Get("code"), "for the next try")
	form.Set("password", secret+" at last")
	require.Contains(t, browser.post(t, s.url+"/reset", form), "Forgot your password?", "the login")
	require.Contains(t, browser.post(t, s.url+"/reset", form), "not any more", "once")
	require.Contains(t, browser.login(t, email), "role=\"alert\"", "the password before")
	login := url.Values{"email": {email}, "password": {secret + " at last"}}
	require.Contains(t, browser.post(t, s.url+"/login", login), "logged in as")
	require.NotContains(t, s.Output(), form.Get("code"))
}

// ASVS 2.3.1: a factor that the organization demands is set up on the way in, by its code.
func TestPages_ASVS_2_3_1_Enrollment(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner := s.login(t, email)
	policy := map[string]any{"ssoOnly": false, "mfaRequired": true, "defaultRoleId": viewerRole}
	status, _ := owner.ask(t, http.MethodPut, "/api/v2/organization/policy", policy, nil)
	require.Less(t, status, 300)
	browser := s.browser(t)
	page := browser.login(t, email)
	require.Contains(t, page, "src=\"data:image/png;base64,")
	form := url.Values{"temporary": {found(t, `name="temporary" type="hidden" value="(tfm_[0-9a-f]+)"`, page)}, "code": {"000000"}}
	require.Contains(t, browser.post(t, s.url+"/login/enroll", form), "role=\"alert\"")
	require.Contains(t, browser.get(t, s.url+"/"), "Forgot your password?", "not in yet")
	form.Set("code", totpOf(t, found(t, `Secret: <code>([A-Z2-7]+)</code>`, page)))
	page = browser.post(t, s.url+"/login/enroll", form)
	recovery := found(t, `<li><code>([0-9A-Z-]+)</code>`, page)
	require.Contains(t, browser.get(t, s.url+"/"), "logged in as")

	// Somebody who is invited does the same.
	_, code := s.invite(t, owner, "bob@example.com", viewerRole)
	require.Contains(t, s.browser(t).post(t, s.url+"/invitation", url.Values{"code": {code}, "password": {secret}}), "data:image/png")

	again := s.browser(t)
	temporary := found(t, `name="temporary" type="hidden" value="(tfm_[0-9a-f]+)"`, again.login(t, email))
	require.Contains(t, again.post(t, s.url+"/login/code", url.Values{"temporary": {temporary}, "code": {recovery}}), "logged in as")
}

// ASVS 6.2.3, 7.5.1, 7.5.2: the account of who is logged in.
func TestPages_ASVS_6_2_3_Account(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser, other := s.browser(t), s.browser(t)
	require.Contains(t, browser.get(t, s.url+"/account"), "Forgot your password?", "nobody is logged in")
	browser.login(t, email)
	other.login(t, email)
	page := browser.get(t, s.url+"/account")
	require.Contains(t, page, "shop</option>")
	at := s.url + "/account/"

	require.Contains(t, browser.post(t, at+"mfa", url.Values{"current": {"wrong"}}), "role=\"alert\"")
	page = browser.post(t, at+"mfa", url.Values{"current": {secret}})
	seed := found(t, `Secret: <code>([A-Z2-7]+)</code>`, page)
	require.Contains(t, browser.post(t, at+"mfa/confirm", url.Values{"code": {"000000"}}), "role=\"alert\"")
	page = browser.post(t, at+"mfa/confirm", url.Values{"code": {totpOf(t, seed)}})
	recovery := found(t, `<li><code>([0-9A-Z-]+)</code>`, page)
	page = browser.get(t, s.url+"/account")
	require.Contains(t, page, "Remove the second factor")
	form := url.Values{"current": {secret}, "password": {secret + " at last"}}
	require.Contains(t, browser.post(t, at+"password", form), "role=\"alert\"", "without the second factor")
	page = browser.post(t, at+"recovery-codes", url.Values{"current": {secret}, "code": {recovery}})
	recovery = found(t, `<li><code>([0-9A-Z-]+)</code>`, page)
	form.Set("code", recovery)
	require.Contains(t, browser.post(t, at+"password", form), "is changed")
	require.Eventually(t, func() bool {
		return strings.Contains(other.get(t, s.url+"/account"), "Forgot your password?")
	}, 5*time.Second, 50*time.Millisecond, "other sessions have ended")
	require.Contains(t, browser.post(t, at+"mfa/remove", url.Values{"current": {secret + " at last"}, "code": {recovery}}), "role=\"alert\"", "a code counts once")

	third := s.browser(t)
	temporary := found(t, `name="temporary" type="hidden" value="(tfm_[0-9a-f]+)"`, third.post(t, s.url+"/login", url.Values{"email": {email}, "password": {secret + " at last"}}))
	require.NotEmpty(t, temporary)
	require.Contains(t, browser.get(t, s.url+"/account"), "(this one)")
}

// ASVS 3.5.1: forms of other sites, and of nobody knows whom, change nothing.
func TestPages_ASVS_3_5_1_Forgery(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := s.browser(t)
	browser.login(t, email)
	for _, path := range []string{"logout", "account/password", "account/mfa", "account/mfa/remove", "account/recovery-codes", "account/sessions/end-others", "account/tenant"} {
		for _, origin := range []string{"https://evil.example", "null", ""} {
			browser.postFrom(t, origin, s.url+"/"+path, url.Values{"current": {secret}, "password": {secret + " at last"}})
			require.Equal(t, http.StatusForbidden, browser.status, "%s from %q", path, origin)
		}
	}
	require.Contains(t, browser.get(t, s.url+"/account"), "(this one)")
	require.Contains(t, browser.post(t, s.url+"/account/sessions/end", url.Values{"session": {"00000000-0000-4000-8000-000000000000"}}), "role=\"alert\"")
}
