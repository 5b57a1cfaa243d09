package sso

import (
	"crypto/x509"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/outbound"
	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// clock is the real one, moved.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.moved.Load())) }
func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

// newClient may call one server on loopback, as an operator would allow it.
func newClient(t testing.TB, server string, roots *x509.CertPool) (*Client, *clock) {
	t.Helper()
	parsed, err := url.Parse(server)
	require.NoError(t, err)
	settings := outbound.Defaults()
	settings.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	settings.Ports = []uint16{netip.MustParseAddrPort(parsed.Host).Port()}
	settings.RootCAs = roots
	guarded, err := outbound.NewClient(settings)
	require.NoError(t, err)
	clock := &clock{}
	client, err := New(Settings{HTTP: guarded, Now: clock.now})
	require.NoError(t, err)
	return client, clock
}

func redirectURI(id string) string { return "https://app.example.com/api/v2/sso/" + id + "/callback" }

// begin starts a login that returns to /dashboards.
func begin(t testing.TB, client *Client, provider Provider) Login {
	t.Helper()
	login, err := client.Begin(t.Context(), provider, Request{RedirectURI: redirectURI(provider.ID), ReturnTo: "/dashboards"})
	require.NoError(t, err)
	return login
}

func requireCode(t testing.TB, code queryserver.Code, err error, about ...any) {
	t.Helper()
	require.Error(t, err, about...)
	require.Equal(t, code, queryserver.CodeOf(err), "%v", err)
}

// roguery is a rogue provider, a client of it and its configuration.
type roguery struct {
	*oidctest.Rogue
	client   *Client
	clock    *clock
	provider Provider
}

func newRoguery(t *testing.T) *roguery {
	t.Helper()
	rogue := oidctest.NewRogue(t)
	client, clock := newClient(t, rogue.URL, rogue.Roots)
	return &roguery{Rogue: rogue, client: client, clock: clock, provider: Provider{
		ID: "rogue", Name: "Rogue", Kind: OIDC, Issuer: rogue.URL, ClientID: rogue.ID, ClientSecret: configopaque.String(rogue.Secret),
	}}
}

// logIn goes the whole way.
func (r *roguery) logIn(t testing.TB) (Identity, error) {
	t.Helper()
	login := begin(t, r.client, r.provider)
	return r.client.Finish(t.Context(), r.provider, login.Pending, r.Authorize(login.URL), string(login.Cookie))
}

// refuses wants the login to fail like any other that is not proved, for a reason.
func (r *roguery) refuses(t *testing.T, reason string) {
	t.Helper()
	_, err := r.logIn(t)
	requireCode(t, queryserver.Unauthenticated, err)
	require.ErrorContains(t, err, reason)
	var told *queryserver.Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, "The sign-in could not be verified. Start again.", told.Message)
}

// accepts proves that it is the change that is refused, and not the rest.
func (r *roguery) accepts(t *testing.T) Identity {
	t.Helper()
	identity, err := r.logIn(t)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(identity.Issuer, r.URL))
	return identity
}
