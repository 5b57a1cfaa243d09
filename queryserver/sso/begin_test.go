package sso

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 10.1.2, 10.2.1, 11.5.1: PKCE, state and nonce of 256 bits, new for each login.
func TestBegin_ASVS_10_2_1_Parameters(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.provider.Parameters = map[string]string{"prompt": "select_account", "kc_idp_hint": "corp"}
	seen := make(map[string]bool)
	for range 100 {
		login, err := r.client.Begin(t.Context(), r.provider, Request{RedirectURI: redirectURI("rogue"), LoginHint: "ada@example.com"})
		require.NoError(t, err)
		parsed, err := url.Parse(login.URL)
		require.NoError(t, err)
		asked := parsed.Query()
		require.Equal(t, r.URL+"/authorize", "https://"+parsed.Host+parsed.Path)
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			bits, err := base64.RawURLEncoding.DecodeString(asked.Get(name))
			require.NoError(t, err)
			require.Len(t, bits, 32, name)
			require.False(t, seen[asked.Get(name)], name)
			seen[asked.Get(name)] = true
			asked.Del(name)
		}
		require.Equal(t, url.Values{
			"response_type": {"code"}, "client_id": {r.ID}, "redirect_uri": {redirectURI("rogue")}, "scope": {"openid profile email"},
			"code_challenge_method": {"S256"}, "prompt": {"select_account"}, "kc_idp_hint": {"corp"}, "login_hint": {"ada@example.com"},
		}, asked)
		require.Equal(t, "/", login.Pending.ReturnTo)
		require.Equal(t, 10*time.Minute, login.Pending.Expires.Sub(login.Pending.Begun))
	}
}

// ASVS 14.2.1: what is secret is in no text that logs or answers are made of.
func TestBegin_ASVS_14_2_1_Secrets(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	login := begin(t, r.client, r.provider)
	text, err := json.Marshal(login)
	require.NoError(t, err)
	configured, err := json.Marshal(r.provider)
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", login, login, login), string(text), login.URL, string(configured), fmt.Sprintf("%v %#v", r.provider, r.provider)} {
		require.NotContains(t, shown, string(login.Cookie))
		require.NotContains(t, shown, r.Secret)
	}
}

// ASVS 10.2.2: a redirect URI is one provider's own, and secure.
func TestBegin_ASVS_10_2_2_RedirectURI(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	for text, right := range map[string]bool{
		redirectURI("rogue"): true, "http://localhost:8080/sso/rogue/callback": true, "http://127.0.0.1:8080/sso/rogue": true, "http://[::1]/rogue": true,
		redirectURI("other"): false, redirectURI("rogue2"): false, "https://app.example.com/sso/callback": false, "": false, "/sso/rogue": false,
		"http://app.example.com/sso/rogue/callback": false, "https://app.example.com/sso/rogue?x=y": false, "https://rogue/sso": false,
		"https://app.example.com/sso/rogue#x": false, "https://a:b@app.example.com/sso/rogue": false,
	} {
		_, err := r.client.Begin(t.Context(), r.provider, Request{RedirectURI: text})
		require.Equal(t, right, err == nil, "%s: %v", text, err)
	}
}

// ASVS 3.7.2: an own path, or nothing.
func TestReturnTo_ASVS_3_7_2(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"/", "/dashboards", "/dashboards/", "/a/b?c=//evil.example.com&d=%2F#e", "/a%2Fb", "/@evil.example.com"} {
		checked, err := ReturnTo(own)
		require.NoError(t, err, own)
		require.Equal(t, own, checked)
	}
	for _, foreign := range []string{
		"https://evil.example.com", "//evil.example.com", "///evil.example.com", "/\\evil.example.com", "\\\\evil.example.com", "/\t/evil.example.com",
		"/\n/evil.example.com", " //evil.example.com", "\t/x", "javascript:alert(1)", "data:text/html,x", "evil.example.com", "?x", "#x", "./x", "../x",
		"/./x", "/../x", "/a/../..//evil.example.com", "/.//evil.example.com", "/a//b", "http:/x", "https:evil.example.com", "/%", "/a\x00b", "/a b", "/ä", "/a\x7f",
		"/" + string(make([]byte, maxReturnTo)),
	} {
		_, err := ReturnTo(foreign)
		requireCode(t, queryserver.Invalid, err, "%q", foreign)
	}
	r := newRoguery(t)
	_, err := r.client.Begin(t.Context(), r.provider, Request{RedirectURI: redirectURI("rogue"), ReturnTo: "//evil.example.com"})
	requireCode(t, queryserver.Invalid, err)
}

func TestProvider_Validate(t *testing.T) {
	t.Parallel()
	right := Provider{ID: "google", Name: "Google", Kind: Google, ClientID: "id", ClientSecret: "secret"}
	require.NoError(t, right.Validate())
	for name, test := range map[string]struct {
		field  string
		change func(*Provider)
	}{
		"id with a slash":     {"id", func(p *Provider) { p.ID = "a/b" }},
		"no name":             {"displayName", func(p *Provider) { p.Name = "" }},
		"name of two lines":   {"displayName", func(p *Provider) { p.Name = "a\nb" }},
		"kind unknown":        {"kind", func(p *Provider) { p.Kind, p.Issuer = "saml", "https://saml.example.com" }},
		"no issuer":           {"issuer", func(p *Provider) { p.Kind = OIDC }},
		"issuer by http":      {"issuer", func(p *Provider) { p.Issuer = "http://accounts.google.com" }},
		"issuer with query":   {"issuer", func(p *Provider) { p.Issuer = "https://accounts.google.com?a=b" }},
		"issuer with user":    {"issuer", func(p *Provider) { p.Issuer = "https://a@accounts.google.com" }},
		"issuer as fragment":  {"issuer", func(p *Provider) { p.Issuer = "https://accounts.google.com#" }},
		"GitHub with a path":  {"issuer", func(p *Provider) { p.Kind, p.Issuer = GitHub, "https://github.com/" }},
		"Entra of a name":     {"issuer", func(p *Provider) { p.Kind, p.Issuer = Entra, "https://login.microsoftonline.com/contoso.com/v2.0" }},
		"Entra version 1":     {"issuer", func(p *Provider) { p.Kind, p.Issuer = Entra, "https://login.microsoftonline.com/common" }},
		"no client":           {"clientId", func(p *Provider) { p.ClientID = "" }},
		"no secret":           {"clientSecret", func(p *Provider) { p.ClientSecret = "" }},
		"no openid":           {"scopes", func(p *Provider) { p.Scopes = []string{"email"} }},
		"two scopes in one":   {"scopes", func(p *Provider) { p.Scopes = []string{"openid", "a b"} }},
		"offline access":      {"scopes", func(p *Provider) { p.Scopes = []string{"openid", "offline_access"} }},
		"shared secret":       {"algorithms", func(p *Provider) { p.Algorithms = []string{"RS256", "HS256"} }},
		"no signature":        {"algorithms", func(p *Provider) { p.Algorithms = []string{"none"} }},
		"state set":           {"parameters", func(p *Provider) { p.Parameters = map[string]string{"state": "x"} }},
		"request set":         {"parameters", func(p *Provider) { p.Parameters = map[string]string{"request_uri": "x"} }},
		"State set":           {"parameters", func(p *Provider) { p.Parameters = map[string]string{"State": "x"} }},
		"max_age of no time":  {"parameters", func(p *Provider) { p.Parameters = map[string]string{"max_age": "-1"} }},
		"directory of others": {"directories", func(p *Provider) { p.Directories = []string{"72f988bf-86f1-41af-91ab-2d7cd011db47"} }},
		"directory by name":   {"directories", func(p *Provider) { p.Kind, p.Directories = Entra, []string{"contoso.com"} }},
	} {
		provider := right
		test.change(&provider)
		err := provider.Validate()
		requireCode(t, queryserver.Invalid, err, name)
		var told *queryserver.Error
		require.ErrorAs(t, err, &told)
		require.Len(t, told.Fields, 1, name)
		require.Equal(t, "body."+test.field, told.Fields[0].Location, name)
	}
}

// Every reserved parameter is one that a request has, or that changes it.
func TestProvider_ReservedParameters(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	parsed, err := url.Parse(begin(t, r.client, r.provider).URL)
	require.NoError(t, err)
	for name := range parsed.Query() {
		require.Contains(t, reserved, name)
	}
}
