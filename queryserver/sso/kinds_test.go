package sso

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	contoso  = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	fabrikam = "9188040d-6c67-4c5b-b112-36a304b66dad"
	object   = "690222be-ff1a-4d56-abd1-7e4f7d38e474"
)

// newEntra is Entra for many directories, answering for Contoso.
func newEntra(t *testing.T) *roguery {
	t.Helper()
	r := newRoguery(t)
	r.provider.Kind, r.provider.Issuer = Entra, r.URL+"/organizations/v2.0"
	r.Discovery = set("issuer", r.URL+"/{tenantid}/v2.0")
	r.Claims = r.of(contoso, nil)
	return r
}

func (r *roguery) of(directory string, change func(map[string]any)) func(map[string]any) {
	return func(claims map[string]any) {
		claims["iss"], claims["tid"], claims["oid"] = r.URL+"/"+directory+"/v2.0", directory, object
		delete(claims, "email_verified")
		if change != nil {
			change(claims)
		}
	}
}

// ASVS 6.8.1, incident 18 (nOAuth): who logs in with Entra is directory and object, and
// the directory is the issuer's.
func TestFinish_ASVS_6_8_1_Entra(t *testing.T) {
	t.Parallel()
	r := newEntra(t)
	identity := r.accepts(t)
	require.Equal(t, r.URL+"/"+contoso+"/v2.0", identity.Issuer)
	require.Equal(t, object, identity.Subject)
	require.Equal(t, "ada@example.com", identity.Email)
	require.False(t, identity.EmailVerified)

	r.Claims = r.of(fabrikam, nil)
	require.NotEqual(t, identity.Issuer, r.accepts(t).Issuer, "the same object id of another directory is another person")
	for name, change := range map[string]func(map[string]any){
		"directory of another issuer": set("tid", fabrikam),
		"no directory":                without("tid"),
		"directory by name":           set("tid", "contoso.com"),
		"template as directory":       func(c map[string]any) { c["tid"], c["iss"] = "{tenantid}", r.URL+"/{tenantid}/v2.0" },
		"template as issuer":          set("iss", r.URL+"/{tenantid}/v2.0"),
		"no object":                   without("oid"),
		"object of another form":      set("oid", "1"),
		"another host":                set("iss", "https://login.example.com/"+contoso+"/v2.0"),
		"another version":             set("iss", r.URL+"/"+contoso),
		"issuer of many":              set("iss", r.URL+"/organizations/v2.0"),
	} {
		r.Claims = r.of(contoso, change)
		_, err := r.logIn(t)
		requireCode(t, queryserver.Unauthenticated, err, name)
	}
}

// ASVS 6.8.1: another customer's directory cannot log in where it is not allowed.
func TestFinish_ASVS_6_8_1_EntraDirectories(t *testing.T) {
	t.Parallel()
	r := newEntra(t)
	r.provider.Directories = []string{contoso}
	r.accepts(t)
	r.Claims = r.of(fabrikam, nil)
	r.refuses(t, "directory")

	r.provider.Directories, r.provider.Issuer = nil, r.URL+"/"+contoso+"/v2.0"
	r.Discovery = nil
	r.refuses(t, "different provider")
	r.Claims = r.of(contoso, nil)
	r.accepts(t)
}

// ASVS 10.5.3: also the template of many directories is the one that was asked.
func TestBegin_ASVS_10_5_3_EntraTemplate(t *testing.T) {
	t.Parallel()
	r := newEntra(t)
	for _, issuer := range []string{"https://login.example.com/{tenantid}/v2.0", r.URL + "/" + contoso + "/v2.0", r.URL + "/organizations/v2.0", ""} {
		r.Discovery = set("issuer", issuer)
		requireCode(t, queryserver.Unavailable, r.client.Check(t.Context(), r.provider), issuer)
	}
	r.Discovery = set("issuer", r.URL+"/{tenantid}/v2.0")
	require.NoError(t, r.client.Check(t.Context(), r.provider))
}

// nOAuth: Entra's address is verified only where the directory owns the domain.
func TestFinish_EntraEmail(t *testing.T) {
	t.Parallel()
	r := newEntra(t)
	for value, verified := range map[any]bool{true: true, "true": true, 1: true, "1": true, false: false, "yes": false, 0: false, "": false} {
		r.Claims = r.of(contoso, set("xms_edov", value))
		require.Equal(t, verified, r.accepts(t).EmailVerified, "%v", value)
	}
	r.Claims = r.of(contoso, set("email_verified", true))
	require.False(t, r.accepts(t).EmailVerified, "the claim of others counts for nothing")
	require.Zero(t, r.Requests("/userinfo"))
}

// The callback of a template provider names the issuer of the token, if it names one.
func TestFinish_EntraCallbackIssuer(t *testing.T) {
	t.Parallel()
	r := newEntra(t)
	for issuer, right := range map[string]bool{
		r.URL + "/" + contoso + "/v2.0": true, r.URL + "/" + fabrikam + "/v2.0": false, "https://login.example.com/" + contoso + "/v2.0": false,
	} {
		login := begin(t, r.client, r.provider)
		callback := r.Authorize(login.URL)
		callback.Set("iss", issuer)
		_, err := r.client.Finish(t.Context(), r.provider, login.Pending, callback, string(login.Cookie))
		require.Equal(t, right, err == nil, "%s: %v", issuer, err)
	}
}

// Google vouches for its own addresses and its customers'.
func TestFinish_Google(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.provider.Kind = Google
	for _, test := range []struct {
		address, domain    string
		claimed, vouchsafe bool
	}{
		{"ada@gmail.com", "", true, true},
		{"ada@gmail.com", "", false, false},
		{"ada@example.com", "example.com", true, true},
		{"ada@example.com", "", true, false},
		{"ada@gmail.com.example.com", "", true, false},
	} {
		r.Claims = func(c map[string]any) {
			c["email"], c["email_verified"] = test.address, test.claimed
			if test.domain != "" {
				c["hd"] = test.domain
			}
		}
		identity := r.accepts(t)
		require.Equal(t, test.vouchsafe, identity.EmailVerified, "%v", test)
		require.Equal(t, test.address, identity.Email)
	}
	r.provider.Parameters = map[string]string{"hd": "example.com"}
	r.Claims = set("hd", "example.com")
	r.accepts(t)
	r.Claims = set("hd", "example.org")
	r.refuses(t, "domain")
	r.Claims = nil
	r.refuses(t, "domain")
	r.provider.Parameters = map[string]string{"hd": "*"}
	r.refuses(t, "domain")
	r.Claims = set("hd", "example.org")
	r.accepts(t)
}

// The presets need an id and a secret only.
func TestProvider_Presets(t *testing.T) {
	t.Parallel()
	preset := func(kind Kind) *Provider {
		provider := &Provider{ID: "x", Name: "X", Kind: kind, ClientID: "id", ClientSecret: "secret"}
		require.NoError(t, provider.Validate())
		return provider
	}
	require.Equal(t, "https://accounts.google.com", preset(Google).issuer())
	require.Equal(t, "https://login.microsoftonline.com/organizations/v2.0", preset(Entra).issuer())
	require.Equal(t, "https://login.microsoftonline.com/{tenantid}/v2.0", issuerTemplate(preset(Entra).issuer()))
	require.Equal(t, "https://github.com/login/oauth/authorize", githubEndpoint(preset(GitHub).issuer()).AuthURL)
	require.Equal(t, "https://api.github.com", githubAPI(preset(GitHub).issuer()))
	require.Equal(t, "https://api.octocorp.ghe.com", githubAPI("https://octocorp.ghe.com"))
	require.Equal(t, "https://github.example.com/api/v3", githubAPI("https://github.example.com"))
}

type hub struct {
	*oidctest.GitHub
	client   *Client
	provider Provider
}

func newHub(t *testing.T) *hub {
	t.Helper()
	server := oidctest.NewGitHub(t)
	server.Emails = []oidctest.GitHubEmail{{Email: "ada@example.com", Primary: true, Verified: true}}
	client, _ := newClient(t, server.URL, server.Roots)
	return &hub{GitHub: server, client: client, provider: Provider{
		ID: "github", Name: "GitHub", Kind: GitHub, Issuer: server.URL, ClientID: server.ID, ClientSecret: configopaque.String(server.Secret),
	}}
}

func (h *hub) logIn(t *testing.T) (Identity, error) {
	t.Helper()
	login := begin(t, h.client, h.provider)
	return h.client.Finish(t.Context(), h.provider, login.Pending, h.Authorize(login.URL), string(login.Cookie))
}

func TestFinish_GitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	require.NoError(t, h.client.Check(t.Context(), h.provider))
	identity, err := h.logIn(t)
	require.NoError(t, err)
	require.Equal(t, Identity{
		Provider: "github", Issuer: h.URL, Subject: "583231", Email: "ada@example.com", EmailVerified: true,
		Name: "Ada Lovelace", Picture: "https://avatars.example.com/u/583231",
	}, identity)
	h.User["name"] = nil
	identity, err = h.logIn(t)
	require.NoError(t, err)
	require.Equal(t, "ada", identity.Name)
}

// ASVS 6.8.1, incident 18: the number of the account, which a login's new owner lacks;
// and of its addresses only the primary one, verified.
func TestFinish_ASVS_6_8_1_GitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for name, test := range map[string]struct {
		emails []oidctest.GitHubEmail
		email  string
	}{
		"primary, not verified": {[]oidctest.GitHubEmail{{Email: "a@example.com", Primary: true}}, ""},
		"verified, not primary": {[]oidctest.GitHubEmail{{Email: "a@example.com", Verified: true}}, ""},
		"both, apart":           {[]oidctest.GitHubEmail{{Email: "a@example.com", Verified: true}, {Email: "b@example.com", Primary: true}}, ""},
		"none":                  {[]oidctest.GitHubEmail{}, ""},
		"second":                {[]oidctest.GitHubEmail{{Email: "a@example.com", Verified: true}, {Email: "b@example.com", Primary: true, Verified: true}}, "b@example.com"},
	} {
		h.Emails = test.emails
		identity, err := h.logIn(t)
		require.NoError(t, err, name)
		require.Equal(t, test.email, identity.Email, name)
		require.Equal(t, test.email != "", identity.EmailVerified, name)
		require.Equal(t, "583231", identity.Subject)
	}
	for _, id := range []any{0, -1, nil} {
		h.User["id"] = id
		_, err := h.logIn(t)
		requireCode(t, queryserver.Unauthenticated, err)
	}
	h.User["id"] = "583231"
	_, err := h.logIn(t)
	requireCode(t, queryserver.Unavailable, err, "an id that is no number")
}

func TestFinish_GitHubPages(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.PageSize = 2
	h.Emails = nil
	for range 7 {
		h.Emails = append(h.Emails, oidctest.GitHubEmail{Email: "old@example.com", Verified: true})
	}
	h.Emails = append(h.Emails, oidctest.GitHubEmail{Email: "ada@example.com", Primary: true, Verified: true})
	identity, err := h.logIn(t)
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", identity.Email)
	h.PageSize = 1
	for range 10 {
		h.Emails = append(h.Emails[:1:1], h.Emails...)
	}
	identity, err = h.logIn(t)
	require.NoError(t, err)
	require.Empty(t, identity.Email, "the pages that are read are bounded")
}

func TestFinish_GitHubFails(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	status := func(path string, code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			oidctest.WriteJSON(w, code, map[string]any{"message": "ECHO"})
			return true
		}
	}
	h.Serve = status("/api/v3/user/emails", http.StatusNotFound)
	identity, err := h.logIn(t)
	require.NoError(t, err, "the scope was not granted")
	require.Empty(t, identity.Email)
	h.Serve = status("/api/v3/user/emails", http.StatusBadGateway)
	_, err = h.logIn(t)
	requireUnavailable(t, err)
	h.Serve = status("/api/v3/user", http.StatusUnauthorized)
	_, err = h.logIn(t)
	requireCode(t, queryserver.Unavailable, err)
	h.Serve = status("/login/oauth/access_token", http.StatusServiceUnavailable)
	_, err = h.logIn(t)
	requireUnavailable(t, err)
	h.Serve = nil

	login := begin(t, h.client, h.provider)
	callback := h.Authorize(login.URL)
	_, err = h.client.Finish(t.Context(), h.provider, login.Pending, callback, string(login.Cookie))
	require.NoError(t, err)
	_, err = h.client.Finish(t.Context(), h.provider, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err, "the code is used")
	stolen := begin(t, h.client, h.provider)
	callback = h.Authorize(stolen.URL)
	callback.Set("state", mustState(t, login.URL))
	_, err = h.client.Finish(t.Context(), h.provider, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err, "the code is another login's: its verifier differs")

	h.provider.ClientSecret = "wrong"
	_, err = h.logIn(t)
	requireCode(t, queryserver.Unavailable, err)
	require.ErrorContains(t, err, "incorrect_client_credentials")
	login = begin(t, h.client, h.provider)
	_, err = h.client.Finish(t.Context(), h.provider, login.Pending, map[string][]string{
		"state": {mustState(t, login.URL)}, "error": {"access_denied"}, "error_description": {"ECHO"},
	}, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, "declined")
	for _, issuer := range []string{"https://github.com", h.URL + "/"} {
		login = begin(t, h.client, h.provider)
		callback = h.Authorize(login.URL)
		callback.Set("iss", issuer)
		_, err = h.client.Finish(t.Context(), h.provider, login.Pending, callback, string(login.Cookie))
		requireCode(t, queryserver.Unauthenticated, err)
	}
}
