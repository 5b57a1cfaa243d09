//go:build linux

package queryserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
)

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// operator runs telemetryflow sso-provider.
func (w *ssoWorld) operator(t *testing.T, input string, arguments ...string) string {
	t.Helper()
	arguments = append([]string{"sso-provider", "--config", stacktest.Config(t, "queryserver.yaml")}, arguments...)
	command := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"), arguments...)
	command.Env, command.Stdin = append(os.Environ(), w.environment...), strings.NewReader(input)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return strings.TrimSpace(string(output))
}

// The flow of the data-flow document, with an OpenID provider of the installation: from
// the login page to the provider, with its consent, and back with a session. No token is
// in any address.
func TestSSO_DataFlow(t *testing.T) {
	t.Parallel()
	provider := oidctest.NewProvider(t)
	w := startSSO(t, map[string]string{provider.Issuer: provider.CAFile})
	const clientSecret = "a secret of the application"
	redirect := w.operator(t, clientSecret+"\n", "create", "corp", "--issuer", provider.Issuer, "--client-id", "app", "--display-name", "Example Corp.")
	require.Equal(t, w.url+"/api/v2/sso/corp/callback", redirect)
	require.Equal(t, "corp\toidc\tExample Corp.", w.operator(t, "", "list"))
	provider.SetClients(t, oidctest.Client{ID: "app", Secret: clientSecret, RedirectURIs: []string{redirect}})
	account := map[string]any{"email": "grace@example.com", "email_verified": true, "name": "Grace", "picture": "https://pictures.example.com/1"}
	provider.SetAccounts(t, map[string]map[string]any{"grace": account})
	w.prove(t, w.owner, "example.com")

	b := w.surfer(t)
	shown := w.visit(t, b, "/login").text
	require.Contains(t, shown, "Log in with Example Corp.")
	require.Contains(t, shown, `href="/api/v2/sso/corp/login"`)
	at := w.begin(t, b, "corp", "?returnTo=/dashboards%3Fid%3D7")
	back := oidctest.NewBrowser(provider.Roots).LogIn(t, at, "grace")
	require.Empty(t, b.who(t))
	done := w.comeBack(t, b, "corp", back)
	require.Equal(t, http.StatusSeeOther, done.status, done.text)
	require.Equal(t, "/dashboards?id=7", done.location)
	who := b.who(t)
	grace := w.people(t, w.owner)["grace@example.com"]
	require.Equal(t, grace.UserID, who.ID)
	require.Equal(t, "Grace", grace.DisplayName)
	require.Equal(t, "https://pictures.example.com/1", grace.PictureURL)
	require.NotNil(t, grace.LastLoginAt)
	require.False(t, grace.HasPassword)
	require.Contains(t, who.Permissions, "logs:read", "the default role")
	require.NotContains(t, who.Permissions, "logs:write")

	account["name"], account["picture"], account["email"] = "Grace Hopper", "https://pictures.example.com/2", "hopper@elsewhere.example"
	account["email_verified"] = false
	provider.SetAccounts(t, map[string]map[string]any{"grace": account})
	again := w.surfer(t)
	var begun struct{ URL string }
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/v2/sso/corp/login", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "application/json")
	response, err := again.Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	unmarshal(t, readAll(t, response), &begun)
	done = w.comeBack(t, again, "corp", oidctest.NewBrowser(provider.Roots).LogIn(t, begun.URL, "grace"))
	require.Equal(t, "/", done.location)
	require.Equal(t, grace.UserID, again.who(t).ID, "the subject is the identity, and not the address")
	fresh := w.people(t, w.owner)
	require.Equal(t, "Grace Hopper", fresh["grace@example.com"].DisplayName)
	require.Equal(t, "https://pictures.example.com/2", fresh["grace@example.com"].PictureURL)
	require.NotContains(t, fresh, "hopper@elsewhere.example", "his address is not the provider's to change")

	declined := w.comeBack(t, again, "corp", oidctest.NewBrowser(provider.Roots).Deny(t, w.begin(t, again, "corp", "")))
	require.Equal(t, http.StatusUnauthorized, declined.status)
	require.Contains(t, declined.text, "The sign-in was declined at the identity provider.")
	w.operator(t, "", "delete", "corp")
	require.NotContains(t, w.visit(t, b, "/login").text, "Example Corp.")
	require.Equal(t, "/login?problem=provider", w.visit(t, b, "/api/v2/sso/corp/login").location)
	require.Contains(t, w.visit(t, b, "/login?problem=provider").text, "There is no such identity provider.")
	require.NotContains(t, w.Output(), clientSecret)
}

func TestSSO_GitHub(t *testing.T) {
	t.Parallel()
	github := oidctest.NewGitHub(t)
	w := startSSO(t, map[string]string{github.URL: github.CAFile})
	w.operator(t, github.Secret, "create", "github", "--kind", "github", "--issuer", github.URL, "--client-id", github.ID)
	w.prove(t, w.owner, "example.com")
	github.Emails = []oidctest.GitHubEmail{{Email: "octo@example.com", Primary: true}}
	b := w.surfer(t)
	refused := w.comeBack(t, b, "github", github.Authorize(w.begin(t, b, "github", "")))
	require.Equal(t, http.StatusForbidden, refused.status, "the address is not verified")
	github.Emails[0].Verified = true
	done := w.comeBack(t, b, "github", github.Authorize(w.begin(t, b, "github", "")))
	require.Equal(t, http.StatusSeeOther, done.status, done.text)
	require.Equal(t, w.people(t, w.owner)["octo@example.com"].UserID, b.who(t).ID)
	github.User["login"], github.Emails = "eve", nil
	other := w.surfer(t)
	w.comeBack(t, other, "github", github.Authorize(w.begin(t, other, "github", "")))
	require.Equal(t, b.who(t).ID, other.who(t).ID, "the number of the account is the identity")
	github.User["id"], github.Emails = 7, []oidctest.GitHubEmail{{Email: "octo@example.com", Primary: true, Verified: true}}
	stranger := w.surfer(t)
	require.Equal(t, http.StatusForbidden, w.comeBack(t, stranger, "github", github.Authorize(w.begin(t, stranger, "github", ""))).status)
}

// ASVS 10.1.2, 10.2.1: a login ends in the browser where it began, at the provider where
// it began, and once, however many try.
func TestSSO_ASVS_10_1_2_BoundAndOnce(t *testing.T) {
	t.Parallel()
	rogue, other := oidctest.NewRogue(t), oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue, other))
	corp := w.provider(t, w.owner, rogue, nil)
	second := w.provider(t, w.owner, other, map[string]any{"name": "second"})
	w.prove(t, w.owner, "example.com")
	tells(rogue, "1", "grace@example.com", nil)

	victim, attacker := w.surfer(t), w.surfer(t)
	back := rogue.Authorize(w.begin(t, attacker, corp.ProviderID, ""))
	refused := w.comeBack(t, victim, corp.ProviderID, back)
	require.Equal(t, http.StatusUnauthorized, refused.status, "another browser")
	require.Contains(t, refused.text, "The sign-in could not be verified. Start again.")
	w.begin(t, victim, corp.ProviderID, "")
	require.Equal(t, http.StatusUnauthorized, w.comeBack(t, victim, corp.ProviderID, back).status, "another login of another browser")
	require.Empty(t, victim.who(t))
	require.Equal(t, http.StatusUnauthorized, w.comeBack(t, attacker, second.ProviderID, back).status, "another provider (mix-up)")
	require.Equal(t, http.StatusUnauthorized, w.comeBack(t, attacker, "corp", back).status, "another name of the provider")

	b := w.surfer(t)
	back = rogue.Authorize(w.begin(t, b, corp.ProviderID, ""))
	var succeeded atomic.Int32
	var running sync.WaitGroup
	from := make(chan struct{})
	for range 100 {
		running.Go(func() {
			<-from
			request, err := http.NewRequest(http.MethodGet, w.url+"/api/v2/sso/"+corp.ProviderID+"/callback?"+back.Encode(), nil)
			if err != nil {
				return
			}
			response, err := b.Do(request)
			if err != nil {
				return
			}
			response.Body.Close()
			if response.StatusCode == http.StatusSeeOther {
				succeeded.Add(1)
			}
		})
	}
	close(from)
	running.Wait()
	require.EqualValues(t, 1, succeeded.Load())
	require.NotEmpty(t, b.who(t))

	for _, foreign := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "/a//evil.example"} {
		answer := w.visit(t, w.surfer(t), "/api/v2/sso/"+corp.ProviderID+"/login?"+url.Values{"returnTo": {foreign}}.Encode())
		require.Equal(t, http.StatusBadRequest, answer.status, foreign)
	}
}

// RFC 9700 section 4.2: a program gets a code of a minute, which counts once, and only
// with the secret that it began with.
func TestSSO_ASVS_10_1_1_ProgramsGetACode(t *testing.T) {
	t.Parallel()
	rogue := oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue))
	corp := w.provider(t, w.owner, rogue, nil)
	w.prove(t, w.owner, "example.com")
	tells(rogue, "1", "grace@example.com", nil)
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	query := "?returnTo=/app%23x&codeChallenge=" + base64.RawURLEncoding.EncodeToString(sum[:])
	code := func() string {
		t.Helper()
		b := w.surfer(t)
		done := w.signIn(t, b, rogue, corp.ProviderID, query)
		require.Equal(t, http.StatusSeeOther, done.status, done.text)
		require.Empty(t, b.who(t), "there is no cookie")
		path, code, found := strings.Cut(done.location, "#code=")
		require.True(t, found, done.location)
		require.Equal(t, "/app", path)
		return code
	}
	exchange := func(c *client, code, verifier string) (int, session) {
		var got session
		status, _ := c.ask(t, http.MethodPost, "/api/v2/sso/token", map[string]any{"code": code, "codeVerifier": verifier}, &got)
		return status, got
	}
	given := code()
	var succeeded atomic.Int32
	var running sync.WaitGroup
	for range 100 {
		running.Go(func() {
			if status, got := exchange(w.client(t), given, verifier); status == http.StatusOK && got.AccessToken != "" {
				succeeded.Add(1)
			}
		})
	}
	running.Wait()
	require.EqualValues(t, 1, succeeded.Load())
	status, _ := exchange(w.client(t), code(), rand.Text()+rand.Text())
	require.Equal(t, http.StatusUnauthorized, status, "a code that was found")

	c := w.client(t)
	_, got := exchange(c, code(), verifier)
	c.bearer = got.AccessToken
	require.Equal(t, viewerRole, w.rolesOf(t, w.people(t, w.owner)["grace@example.com"].UserID))
	status, _ = c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusOK, status)
	for _, secret := range []string{given, verifier, got.AccessToken, got.RefreshToken, rogue.Secret} {
		require.NotContains(t, w.Output(), secret)
	}
	w.setPolicy(t, map[string]any{"mfaRequired": true})
	status, got = exchange(w.client(t), code(), verifier)
	require.Equal(t, http.StatusOK, status)
	require.True(t, got.MFARequired)
	require.NotEmpty(t, got.TempToken)
	require.Empty(t, got.AccessToken)
}

func (w *ssoWorld) rolesOf(t *testing.T, user string) string {
	t.Helper()
	var roles struct{ Items []struct{ RoleID string } }
	status, _ := w.owner.ask(t, http.MethodGet, "/api/v2/users/"+user+"/roles", nil, &roles)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, roles.Items, 1)
	return roles.Items[0].RoleID
}

func (w *ssoWorld) setPolicy(t *testing.T, change map[string]any) {
	t.Helper()
	policy := map[string]any{"ssoOnly": false, "mfaRequired": false, "defaultRoleId": viewerRole}
	for name, value := range change {
		policy[name] = value
	}
	status, _ := w.owner.ask(t, http.MethodPut, "/api/v2/organization/policy", policy, nil)
	require.Less(t, status, 300)
}

// ASVS 1.3.6: whoever configures a provider does not make this server call what only it
// can reach.
func TestSSO_ASVS_1_3_6_PrivateAddresses(t *testing.T) {
	t.Parallel()
	allowed, private := oidctest.NewRogue(t), oidctest.NewRogue(t)
	w := startSSO(t, rogues(allowed))
	fine := w.provider(t, w.owner, allowed, nil)
	hidden := w.provider(t, w.owner, private, map[string]any{"name": "hidden"})
	check := func(id string) int {
		status, _ := w.owner.ask(t, http.MethodPost, "/api/v2/sso-providers/"+id+"/check", nil, nil)
		return status
	}
	require.Equal(t, http.StatusNoContent, check(fine.ProviderID))
	require.Equal(t, http.StatusServiceUnavailable, check(hidden.ProviderID))
	b := w.surfer(t)
	require.Equal(t, "/login?problem=unavailable", w.visit(t, b, "/api/v2/sso/"+hidden.ProviderID+"/login").location)
	require.Zero(t, private.Requests("/.well-known/openid-configuration"))
	for i, address := range []string{"https://169.254.169.254", "https://[::1]", "https://10.0.0.1", "https://2130706433"} {
		metadata := w.provider(t, w.owner, private, map[string]any{"name": fmt.Sprintf("address-%d", i), "issuer": address})
		require.Equal(t, http.StatusServiceUnavailable, check(metadata.ProviderID), address)
	}
}
