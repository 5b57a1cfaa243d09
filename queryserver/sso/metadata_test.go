package sso

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/outbound"
	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const wellKnown = "/.well-known/openid-configuration"

// ASVS 10.5.3: the issuer of the discovery document is the one that was asked, letter
// by letter, and all addresses are https.
func TestBegin_ASVS_10_5_3_Discovery(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"other issuer":          set("issuer", "https://accounts.example.com"),
		"issuer with a slash":   func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" },
		"no issuer":             without("issuer"),
		"template as issuer":    func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/{tenantid}/v2.0" },
		"authorization by http": set("authorization_endpoint", "http://accounts.example.com/authorize"),
		"authorization by code": set("authorization_endpoint", "javascript:alert(1)"),
		"no authorization":      without("authorization_endpoint"),
		"token by http":         set("token_endpoint", "http://accounts.example.com/token"),
		"no token":              without("token_endpoint"),
		"keys in a file":        set("jwks_uri", "file:///etc/passwd"),
		"no keys":               without("jwks_uri"),
		"keys of no text":       set("jwks_uri", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoguery(t)
			require.NoError(t, r.client.Check(t.Context(), r.provider))
			r.Discovery = change
			r.client, _ = newClient(t, r.URL, r.Roots)
			_, err := r.client.Begin(t.Context(), r.provider, Request{RedirectURI: redirectURI("rogue")})
			requireCode(t, queryserver.Unavailable, err)
			require.ErrorContains(t, err, "administrator")
			requireCode(t, queryserver.Unavailable, r.client.Check(t.Context(), r.provider))
		})
	}
}

// A discovery document cannot send this server to where the guard does not let it.
func TestFinish_DiscoveryLeadsInside(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	inside := oidctest.NewRogue(t)
	for _, name := range []string{"token_endpoint", "jwks_uri", "userinfo_endpoint"} {
		r.Discovery = set(name, inside.URL+"/token")
		r.Claims = without("email")
		r.client, _ = newClient(t, r.URL, r.Roots)
		_, err := r.logIn(t)
		requireUnavailable(t, err)
		require.ErrorIs(t, err, outbound.ErrRefused)
		require.Zero(t, inside.Requests("/token"))
	}
}

// Nothing follows a redirect, neither to another host nor to the same one.
func TestBegin_RedirectNotFollowed(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.Serve = func(w http.ResponseWriter, request *http.Request) bool {
		if request.URL.Path == wellKnown {
			http.Redirect(w, request, "/elsewhere"+wellKnown, http.StatusFound)
			return true
		}
		return false
	}
	requireCode(t, queryserver.Unavailable, r.client.Check(t.Context(), r.provider))
	require.Equal(t, 1, r.Requests(wellKnown))
	require.Zero(t, r.Requests("/elsewhere"+wellKnown))
}

// A token endpoint cannot send the code and the secret on either.
func TestFinish_RedirectOfTokenNotFollowed(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.client, _ = newOpenClient(t, r.Roots)
	r.Serve = func(w http.ResponseWriter, request *http.Request) bool {
		if request.URL.Path == "/token" {
			http.Redirect(w, request, "/stolen", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	_, err := r.logIn(t)
	requireCode(t, queryserver.Unavailable, err)
	require.Equal(t, 1, r.Requests("/token"))
	require.Zero(t, r.Requests("/stolen"))
}

// newOpenClient has an HTTP client that would do anything.
func newOpenClient(t *testing.T, roots *x509.CertPool) (*Client, *clock) {
	t.Helper()
	clock := &clock{}
	client, err := New(Settings{Now: clock.now, HTTP: &http.Client{
		Timeout: time.Hour, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}})
	require.NoError(t, err)
	require.Equal(t, callTimeout, client.http.Timeout)
	return client, clock
}

func TestBegin_AnswerTooLong(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.client, r.clock = newOpenClient(t, r.Roots)
	r.Discovery = set("padding", strings.Repeat("x", maxAnswer-2000))
	require.NoError(t, r.client.Check(t.Context(), r.provider))
	r.clock.advance(metadataTTL)
	r.Discovery = set("padding", strings.Repeat("x", maxAnswer))
	requireCode(t, queryserver.Unavailable, r.client.Check(t.Context(), r.provider))
}

// The client proves itself as the provider asks, at the first try: a code serves once.
func TestFinish_SecretInBody(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.SecretInBody = true
	r.accepts(t)
	require.Equal(t, 1, r.Requests("/token"))
}

// A provider that hangs costs its time-out, whatever the caller's client allows.
func TestBegin_Timeout(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	require.Equal(t, callTimeout, r.client.http.Timeout)
	_, err := New(Settings{HTTP: &http.Client{}})
	require.ErrorContains(t, err, "guarded")

	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r.Serve = func(http.ResponseWriter, *http.Request) bool { <-hang; return true }
	r.client.http.Timeout = 50 * time.Millisecond
	requireUnavailable(t, r.client.Check(t.Context(), r.provider))
	r.client.http.Timeout = time.Minute
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	requireUnavailable(t, r.client.Check(gone, r.provider))
}

// Discovery and keys are read once an hour, by one of many who wait; not remembered
// are failures.
func TestMetadata_Remembered(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.Serve = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	requireUnavailable(t, r.client.Check(t.Context(), r.provider))
	r.Serve = nil
	failed := r.Requests(wellKnown)
	var logins sync.WaitGroup
	for range 20 {
		logins.Go(func() {
			if err := r.client.Check(t.Context(), r.provider); err != nil {
				t.Error(err)
			}
		})
	}
	logins.Wait()
	r.accepts(t)
	r.accepts(t)
	require.Equal(t, failed+1, r.Requests(wellKnown))
	require.Equal(t, 1, r.Requests("/jwks"))
	r.clock.advance(metadataTTL)
	require.NoError(t, r.client.Check(t.Context(), r.provider))
	require.Equal(t, failed+2, r.Requests(wellKnown))
}

func TestMetadata_Bounded(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	cache := newMetadataCache(http.DefaultClient, clock.now)
	for i := range maxMetadata + 10 {
		clock.advance(time.Second)
		cache.keep(strings.Repeat("x", i+1), &metadata{read: clock.now()})
	}
	require.Len(t, cache.known, maxMetadata)
	require.NotContains(t, cache.known, "x", "the oldest goes first")
	require.Contains(t, cache.known, strings.Repeat("x", maxMetadata+10))
}

// ASVS 10.2.2 (mix-up; RFC 9207): a callback that names another issuer, or none where
// the provider names itself, ends the login before the code goes anywhere.
func TestFinish_ASVS_10_2_2_CallbackIssuer(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	finish := func(issuer ...string) error {
		login := begin(t, r.client, r.provider)
		callback := r.Authorize(login.URL)
		if issuer != nil {
			callback["iss"] = issuer
		}
		_, err := r.client.Finish(t.Context(), r.provider, login.Pending, callback, string(login.Cookie))
		return err
	}
	require.NoError(t, finish(), "the provider does not say that it names itself")
	require.NoError(t, finish(r.URL))
	sent := r.Requests("/token")
	requireCode(t, queryserver.Unauthenticated, finish("https://honest.example.com"))
	requireCode(t, queryserver.Unauthenticated, finish(r.URL+"/"))
	requireCode(t, queryserver.Unauthenticated, finish(r.URL, r.URL))

	r.Discovery = set("authorization_response_iss_parameter_supported", true)
	r.client, r.clock = newClient(t, r.URL, r.Roots)
	requireCode(t, queryserver.Unauthenticated, finish())
	requireCode(t, queryserver.Unauthenticated, finish(""))
	require.Equal(t, sent, r.Requests("/token"))
	require.NoError(t, finish(r.URL))
}

// ASVS 10.2.2: an honest provider's code never goes to a rogue one, when a browser
// begins with the rogue, which sends it on to the honest one.
func TestFinish_ASVS_10_2_2_MixUp(t *testing.T) {
	t.Parallel()
	honest, rogue := newRoguery(t), newRoguery(t)
	honest.provider.ID = "honest"
	login := begin(t, rogue.client, rogue.provider)
	callback := honest.Authorize(login.URL) // the rogue changes only the address
	// It comes back on the honest provider's redirect URI, as registered there.
	_, err := honest.client.Finish(t.Context(), honest.provider, login.Pending, callback, string(login.Cookie))
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, "another provider")
	require.Zero(t, rogue.Requests("/token"))
	require.Zero(t, honest.Requests("/token"))
}

func TestFinish_CallbackErrors(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	for code, expected := range map[string]queryserver.Code{
		"access_denied": queryserver.Unauthenticated, "login_required": queryserver.Unauthenticated,
		"temporarily_unavailable": queryserver.Unavailable, "server_error": queryserver.Unavailable,
		"invalid_scope": queryserver.Unavailable, "ECHO <b>": queryserver.Unavailable,
	} {
		login := begin(t, r.client, r.provider)
		callback := url.Values{
			"state": {mustState(t, login.URL)}, "error": {code}, "error_description": {"ECHO"}, "code": {"x"},
		}
		_, err := r.client.Finish(t.Context(), r.provider, login.Pending, callback, string(login.Cookie))
		requireCode(t, expected, err, code)
		require.NotContains(t, err.Error(), "ECHO")
	}
	login := begin(t, r.client, r.provider)
	state := mustState(t, login.URL)
	for name, callback := range map[string]url.Values{
		"no code":    {"state": {state}},
		"two codes":  {"state": {state}, "code": {"a", "b"}},
		"two states": {"state": {state, state}, "code": {"a"}},
		"long code":  {"state": {state}, "code": {strings.Repeat("a", maxParameter+1)}},
	} {
		_, err := r.client.Finish(t.Context(), r.provider, login.Pending, callback, string(login.Cookie))
		requireCode(t, queryserver.Unauthenticated, err, name)
	}
	_, err := PendingKey(url.Values{"state": {state, state}})
	requireCode(t, queryserver.Unauthenticated, err)
	_, err = PendingKey(url.Values{})
	requireCode(t, queryserver.Unauthenticated, err)
	require.Zero(t, r.Requests("/token"))
}
