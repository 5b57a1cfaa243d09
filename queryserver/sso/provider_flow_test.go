package sso

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const applicationSecret = "the secret of the application, which nobody may see"

// certified is npm's oidc-provider with two clients, and ours of the first.
type certified struct {
	*oidctest.Provider
	client *Client
	clock  *clock
	config Provider
}

func newCertified(t *testing.T, change ...func(*oidctest.Client)) *certified {
	t.Helper()
	application := oidctest.Client{ID: "app", Secret: applicationSecret, RedirectURIs: []string{redirectURI("corp"), redirectURI("other")}}
	for _, edit := range change {
		edit(&application)
	}
	server := oidctest.NewProvider(t, application)
	server.SetAccounts(t, map[string]map[string]any{
		"ada": {"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace", "picture": "https://example.com/ada.png"},
		"eve": {"email": "ada@example.com", "email_verified": true, "name": "Eve"},
		"bob": {"email": "bob@example.com", "email_verified": false, "name": "Bob"},
		"1":   {"name": "Number One"},
	})
	client, clock := newClient(t, server.Issuer, server.Roots)
	return &certified{Provider: server, client: client, clock: clock, config: Provider{
		ID: "corp", Name: "Example Corp.", Kind: OIDC, Issuer: server.Issuer, ClientID: "app", ClientSecret: applicationSecret,
	}}
}

func (c *certified) logIn(t *testing.T, account string) Identity {
	t.Helper()
	login := begin(t, c.client, c.config)
	callback := oidctest.NewBrowser(c.Roots).LogIn(t, login.URL, account)
	identity, err := c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	require.NoError(t, err)
	return identity
}

func TestFinish_CertifiedProvider(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oidctest.Client){
		"RS256, secret in the header": func(*oidctest.Client) {},
		"ES256, secret in the body":   func(c *oidctest.Client) { c.Algorithm, c.AuthMethod = "ES256", "client_secret_post" },
		"EdDSA":                       func(c *oidctest.Client) { c.Algorithm = "EdDSA" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCertified(t, change)
			require.NoError(t, c.client.Check(t.Context(), c.config))
			identity := c.logIn(t, "ada")
			require.Equal(t, Identity{
				Provider: "corp", Issuer: c.Issuer, Subject: "ada", Email: "ada@example.com", EmailVerified: true,
				Name: "Ada Lovelace", Picture: "https://example.com/ada.png",
			}, identity)
		})
	}
}

// ASVS 6.8.1, 10.5.2, incident 18: the same address under another subject is another
// person, and a number as subject is a text.
func TestFinish_ASVS_6_8_1_IdentityIsNotEmail(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	ada, eve := c.logIn(t, "ada"), c.logIn(t, "eve")
	require.Equal(t, ada.Email, eve.Email)
	require.NotEqual(t, ada.Subject, eve.Subject)
	bob := c.logIn(t, "bob")
	require.Equal(t, "bob@example.com", bob.Email)
	require.False(t, bob.EmailVerified)
	one := c.logIn(t, "1")
	require.Equal(t, "1", one.Subject)
	require.Equal(t, c.Issuer, one.Issuer, "a subject comes with who says so")
	require.Empty(t, one.Email)
}

func TestFinish_Denied(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	login := begin(t, c.client, c.config)
	callback := oidctest.NewBrowser(c.Roots).Deny(t, login.URL)
	require.Equal(t, "access_denied", callback.Get("error"))
	_, err := c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, "declined")
	require.NotContains(t, err.Error(), callback.Get("error_description"))
}

// Keys that the provider has just changed are fetched; those it withdrew end with the
// remembered metadata.
func TestFinish_RotatedKeys(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.logIn(t, "ada")
	c.RotateKeys(t)
	c.logIn(t, "ada")
	c.RotateKeys(t)
	before, err := c.client.metadata.get(t.Context(), &c.config)
	require.NoError(t, err)
	c.clock.advance(metadataTTL)
	after, err := c.client.metadata.get(t.Context(), &c.config)
	require.NoError(t, err)
	require.NotSame(t, before.keys, after.keys)
}

// ASVS 10.1.2, 10.2.1: what another browser, login or provider began is of no use.
func TestFinish_ASVS_10_1_2_BoundToBrowserAndProvider(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	browser := oidctest.NewBrowser(c.Roots)
	victim, attacker := begin(t, c.client, c.config), begin(t, c.client, c.config)
	callback := browser.LogIn(t, attacker.URL, "eve")
	finish := func(provider Provider, pending Pending, callback url.Values, cookie configopaque.String) error {
		_, err := c.client.Finish(t.Context(), provider, pending, callback, string(cookie))
		return err
	}
	other := c.config
	other.ID = "other"
	elsewhere := c.config
	elsewhere.Issuer += "/elsewhere"
	with := func(state ...string) url.Values {
		return url.Values{"code": callback["code"], "iss": callback["iss"], "state": state}
	}
	const otherBrowser, noCookie, otherProvider = "not that of this browser", "no cookie", "another provider"
	for name, test := range map[string]struct {
		err    error
		reason string
	}{
		"cookie of another browser": {finish(c.config, attacker.Pending, callback, victim.Cookie), otherBrowser},
		"no cookie":                 {finish(c.config, attacker.Pending, callback, ""), noCookie},
		"cookie that is none":       {finish(c.config, attacker.Pending, callback, "x"), noCookie},
		"pending of another login":  {finish(c.config, victim.Pending, callback, attacker.Cookie), otherBrowser},
		"all but the callback":      {finish(c.config, victim.Pending, callback, victim.Cookie), otherBrowser},
		"state of another login":    {finish(c.config, attacker.Pending, with(mustState(t, victim.URL)), attacker.Cookie), otherBrowser},
		"no state":                  {finish(c.config, attacker.Pending, with(), attacker.Cookie), otherBrowser},
		"another provider":          {finish(other, attacker.Pending, callback, attacker.Cookie), otherProvider},
		"the provider moved":        {finish(elsewhere, attacker.Pending, callback, attacker.Cookie), otherProvider},
		// Login CSRF: the attacker's code in the victim's login. The verifier differs.
		"code of another login": {finish(c.config, victim.Pending, with(mustState(t, victim.URL)), victim.Cookie), "invalid_grant"},
	} {
		requireCode(t, queryserver.Unauthenticated, test.err, name)
		require.ErrorContains(t, test.err, test.reason, name)
	}
	again := begin(t, c.client, c.config)
	callback = browser.LogIn(t, again.URL, "eve")
	require.NoError(t, finish(c.config, again.Pending, callback, again.Cookie), "the honest way still works")
	requireCode(t, queryserver.Unauthenticated, finish(c.config, again.Pending, callback, again.Cookie), "the code is used")
}

func mustState(t *testing.T, authorizationURL string) string {
	t.Helper()
	parsed, err := url.Parse(authorizationURL)
	require.NoError(t, err)
	return parsed.Query().Get("state")
}

// ASVS 2.3.1, 10.1.2: the steps come in order and in time.
func TestFinish_ASVS_2_3_1_Expired(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	login := begin(t, c.client, c.config)
	callback := oidctest.NewBrowser(c.Roots).LogIn(t, login.URL, "ada")
	c.clock.advance(pendingTTL)
	_, err := c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, "too long ago")
	c.clock.advance(-pendingTTL + 5*time.Second)
	_, err = c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	require.NoError(t, err, "it was the time that was wrong")
}

func TestFinish_ProviderDown(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	login := begin(t, c.client, c.config)
	callback := oidctest.NewBrowser(c.Roots).LogIn(t, login.URL, "ada")
	c.Stop()
	_, err := c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	requireUnavailable(t, err)
	fresh, _ := newClient(t, c.Issuer, c.Roots)
	_, err = fresh.Begin(t.Context(), c.config, Request{RedirectURI: redirectURI("corp")})
	requireUnavailable(t, err)
}

func requireUnavailable(t *testing.T, err error) {
	t.Helper()
	requireCode(t, queryserver.Unavailable, err)
	var told *queryserver.Error
	require.ErrorAs(t, err, &told)
	require.Positive(t, told.RetryAfter)
}

// The secret of the application is wrong: waiting does not help, and it is not told.
func TestFinish_WrongClientSecret(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.config.ClientSecret = "another secret"
	login := begin(t, c.client, c.config)
	callback := oidctest.NewBrowser(c.Roots).LogIn(t, login.URL, "ada")
	_, err := c.client.Finish(t.Context(), c.config, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unavailable, err)
	require.ErrorContains(t, err, "administrator")
	require.ErrorContains(t, err, "invalid_client")
	require.NotContains(t, err.Error(), "another secret")
}

// A Pending goes through a store as JSON, and holds nothing that a reader could use.
func TestPending_Stored(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	login := begin(t, c.client, c.config)
	stored, err := json.Marshal(login.Pending)
	require.NoError(t, err)
	held, err := parseSecret(string(login.Cookie))
	require.NoError(t, err)
	values, err := held.derive()
	require.NoError(t, err)
	for _, hidden := range []string{values.state, values.nonce, values.verifier, string(login.Cookie), applicationSecret} {
		require.NotContains(t, string(stored), hidden)
	}
	var pending Pending
	require.NoError(t, json.Unmarshal(stored, &pending))
	callback := oidctest.NewBrowser(c.Roots).LogIn(t, login.URL, "ada")
	key, err := PendingKey(callback)
	require.NoError(t, err)
	require.Equal(t, pending.State, key)
	require.Equal(t, "/dashboards", pending.ReturnTo)
	_, err = c.client.Finish(t.Context(), c.config, pending, callback, string(login.Cookie))
	require.NoError(t, err)
}
