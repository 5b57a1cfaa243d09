package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 8.3.1 and incident 22: without a declared access a route does not register.
func TestASVS_8_3_1_RouteWithoutAccessDoesNotRegister(t *testing.T) {
	t.Parallel()
	f := &fixture{callers: newCallers(), logs: &safeBuffer{}}
	whole := Operation{Method: "GET", Path: "/api/v2/x", ID: "x", Tag: "X", Summary: "x"}
	handle := func(context.Context, queryserver.Call, *struct{}) (*struct{}, error) { return nil, nil } //nolint:nilnil // never called
	for name, route := range map[string]Route{
		"no access":       JSON(Access{}, whole, handle),
		"no permission":   JSON(Requires(""), whole, handle),
		"raw, no access":  Raw(Access{}, whole, func(http.ResponseWriter, *http.Request, queryserver.Call) error { return nil }),
		"zero":            {},
		"no handler":      Raw(Public(), whole, nil),
		"no id":           JSON(Public(), Operation{Method: "GET", Path: "/api/v2/x"}, handle),
		"other method":    JSON(Public(), Operation{Method: "CONNECT", Path: "/api/v2/x", ID: "x", Tag: "X", Summary: "x"}, handle),
		"path not rooted": JSON(Public(), Operation{Method: "GET", Path: "x", ID: "x", Tag: "X", Summary: "x"}, handle),
	} {
		_, err := New(testSettings(), f.dependencies(t), []Route{route})
		require.ErrorContains(t, err, "route "+route.pattern(), name)
	}
	require.False(t, Access{}.allows(f.ada.Scope))
}

// Every route but the public ones refuses who is not proved: walked, so that a new route
// cannot be forgotten.
func TestASVS_8_2_1_EveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	guarded := 0
	for _, route := range f.Routes() {
		require.True(t, route.Access().declared())
		path := strings.ReplaceAll(route.Path(), "{id}", f.ada.Scope.Organization().String())
		if route.Access() == Public() {
			continue
		}
		guarded++
		for _, headers := range [][]string{nil, {as("wrong")}, {"Cookie: __Host-telemetryflow-session=wrong", "Sec-Fetch-Site: same-origin", "X-Requested-With: test"}, {"X-API-Key-ID: " + f.key.ID.String(), "X-API-Key-Secret: " + apikey.NewSecret()}} {
			got := f.send(t, route.Method(), path, "", headers...)
			require.Equal(t, 401, got.StatusCode, "%s %v", route.pattern(), headers)
			require.Equal(t, challenge, got.Header.Get("WWW-Authenticate"))
			require.Equal(t, "unauthenticated", got.problem(t).Code)
		}
	}
	require.Equal(t, 6, guarded)
}

func TestGuard_Permission(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	require.Equal(t, 200, f.send(t, "POST", "/api/v2/things", `{"name":"x"}`, as(adaToken)).StatusCode)
	got := f.send(t, "POST", "/api/v2/things", `{"name":"x"}`, as(bobToken))
	require.Equal(t, 403, got.StatusCode)
	require.Equal(t, "this needs the permission dashboards:write", got.problem(t).Detail)
	require.Equal(t, "bob dashboards:write", <-f.denials)
	require.Equal(t, 403, f.get(t, "/page", as(adaToken)).StatusCode)
	require.Equal(t, 200, f.get(t, "/api/v2/things", as(bobToken)).StatusCode)
}

// Authorisation comes before the body: a client that waits for 100 Continue is refused
// without it, and a malformed body does not show.
func TestGuard_BeforeTheBody(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.raw(t, "POST /api/v2/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n")
	require.True(t, strings.HasPrefix(got, "HTTP/1.1 401 "), got)
	require.Equal(t, 403, f.send(t, "POST", "/api/v2/things", `{{{`, as(bobToken)).StatusCode)
	require.Equal(t, 400, f.send(t, "POST", "/api/v2/things", `{{{`, as(adaToken)).StatusCode)
}

// ASVS 16.5.2 and 16.5.3: what fails while a caller is proved never lets anybody in.
func TestASVS_16_5_2_AuthenticatorFailureNeverAllows(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.get(t, "/api/v2/me", as(downToken))
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, "2", got.Header.Get("Retry-After"))
	for _, token := range []string{brokenToken, nobodyToken} {
		got := f.get(t, "/api/v2/me", as(token))
		require.Equal(t, 500, got.StatusCode)
		require.Equal(t, internalDetail, got.problem(t).Detail)
		require.NotContains(t, got.body, "telemetryflow_app")
	}
}

func TestPresent_Forms(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id, secret := f.key.ID.String(), f.key.Secret
	for name, headers := range map[string][]string{
		"pair":         {"X-API-Key-ID: " + id, "X-API-Key-Secret: " + secret},
		"vendor pair":  {"X-TelemetryFlow-Key-ID: " + id, "X-TelemetryFlow-Key-Secret: " + secret},
		"bearer colon": {"Authorization: Bearer " + id + ":" + secret},
		"bearer dot":   {"Authorization: bearer " + id + "." + secret},
		"basic":        {"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))},
		"token":        {as(bobToken)},
		"session":      {"Cookie: other=x; __Host-telemetryflow-session=" + bobSession},
	} {
		got := f.get(t, "/api/v2/me", append(headers, "User-Agent: the agent", "X-Tenant-Id: "+f.bob.Scope.Organization().String())...)
		require.Equal(t, 200, got.StatusCode, name)
		require.Contains(t, got.body, `"subject":"bob"`, name)
		presented := <-f.presented
		require.Equal(t, presented.Kind != APIKeyCredential, presented.Choice.IsZero(), name)
		require.Equal(t, "the agent", presented.Client.UserAgent)
		require.Equal(t, "127.0.0.1", presented.Client.IP.String())
		require.NotContains(t, fmt.Sprintf("%v %+v", presented.Token, presented.LogValue()), bobToken)
		require.NotContains(t, presented.LogValue().String(), secret)
	}
	require.Equal(t, 400, f.get(t, "/api/v2/me", "Authorization: Bearer "+id+":"+secret, "X-Tenant-Id: nonsense").StatusCode)
}

func TestPresent_Refused(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id, secret, session := "X-API-Key-ID: "+f.key.ID.String(), "X-API-Key-Secret: "+f.key.Secret, "Cookie: __Host-telemetryflow-session="+adaSession
	for name, headers := range map[string][]string{
		"token and session": {as(adaToken), session},
		"token and key":     {as(adaToken), id, secret},
		"session and key":   {session, id, secret},
		"two tokens":        {as(adaToken), as(bobToken)},
		"the same twice":    {as(adaToken), as(adaToken)},
		"two sessions":      {session + "; __Host-telemetryflow-session=" + bobSession},
		"two ids":           {id, id, secret},
		"two pairs":         {id, secret, "X-TelemetryFlow-Key-ID: " + f.key.ID.String(), "X-TelemetryFlow-Key-Secret: " + f.key.Secret},
	} {
		got := f.get(t, "/api/v2/me", headers...)
		require.Equal(t, 400, got.StatusCode, name)
		require.Equal(t, "the request has several credentials; send one", got.problem(t).Detail)
	}
	for _, headers := range [][]string{{id}, {secret}, {"Authorization: Digest x"}, {"Authorization: Bearer"}, {"Authorization: Bearer a b"}, {"Authorization: Basic !"}, {"Authorization: Bearer tfk_short:x"}, {"Authorization: " + adaToken}} {
		require.Equal(t, 401, f.get(t, "/api/v2/me", headers...).StatusCode, headers)
	}
}

// Incident 21 and ASVS 14.2.1: no credential in a URL, on any route.
func TestASVS_14_2_1_CredentialsInTheQueryAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, query := range []string{"access_token=x", "Token=x", "jwt=x", "api_key=x", "name=" + adaToken, "name=" + f.key.Secret, "x=%74fs_" + f.key.Secret[4:], "password=x"} {
		for _, path := range []string{"/api/v2/things", "/api/v2/anybody", "/api/v2/nothing", "/docs"} {
			got := f.get(t, path+"?"+query, as(adaToken))
			require.Equal(t, 400, got.StatusCode, path+query)
			require.NotContains(t, got.body, adaToken)
		}
	}
}

// Public routes look at no credential, so that a stale cookie does not stand in the way
// of a login.
func TestGuard_PublicIgnoresCredentials(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.get(t, "/api/v2/anybody", as("wrong"), "Cookie: __Host-telemetryflow-session=wrong")
	require.Equal(t, 200, got.StatusCode)
	require.Contains(t, got.body, `"subject":"","organization":"00000000-0000-0000-0000-000000000000"`)
}
