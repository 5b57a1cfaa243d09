package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const listedOrigin = "https://dashboards.example.com"

// ASVS 3.5.1 to 3.5.3.
func TestASVS_3_5_1_CookieWritesNeedSameOriginAndHeader(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Origins = []string{listedOrigin} })
	session, header := "Cookie: __Host-telemetryflow-session="+adaSession, "X-Requested-With: TelemetryFlow"
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"same origin by Fetch Metadata":   {[]string{session, header, "Sec-Fetch-Site: same-origin"}, 200},
		"same origin by Origin":           {[]string{session, header, "Origin: " + f.url}, 200},
		"listed origin":                   {[]string{session, header, "Origin: " + listedOrigin, "Sec-Fetch-Site: cross-site"}, 200},
		"no header":                       {[]string{session, "Sec-Fetch-Site: same-origin"}, 403},
		"no header from listed origin":    {[]string{session, "Origin: " + listedOrigin}, 403},
		"neither Origin nor Fetch":        {[]string{session, header}, 403},
		"cross site":                      {[]string{session, header, "Sec-Fetch-Site: cross-site"}, 403},
		"same site":                       {[]string{session, header, "Sec-Fetch-Site: same-site"}, 403},
		"typed in":                        {[]string{session, header, "Sec-Fetch-Site: none"}, 403},
		"foreign origin":                  {[]string{session, header, "Origin: https://evil.example.com"}, 403},
		"foreign origin that lies":        {[]string{session, header, "Origin: https://evil.example.com", "Sec-Fetch-Site: same-origin"}, 403},
		"other scheme":                    {[]string{session, header, "Origin: https" + f.url[4:]}, 403},
		"origin null":                     {[]string{session, header, "Origin: null"}, 403},
		"prefix of listed origin":         {[]string{session, header, "Origin: " + listedOrigin + ".evil.com"}, 403},
		"token needs nothing":             {[]string{as(adaToken)}, 200},
		"token from a foreign page":       {[]string{as(adaToken), "Origin: https://evil.example.com"}, 403},
		"forged form with forged referer": {[]string{session, "Referer: " + f.url}, 403},
	} {
		got := f.send(t, http.MethodPost, "/api/v2/things", `{"name":"x"}`, c.headers...)
		require.Equal(t, c.status, got.StatusCode, name+" "+got.body)
	}
	// Logging somebody in from another site is forgery too.
	require.Equal(t, 403, f.send(t, http.MethodPost, "/api/v2/login", `{"name":"x"}`, "Sec-Fetch-Site: cross-site").StatusCode)
	require.Equal(t, 200, f.send(t, http.MethodPost, "/api/v2/login", `{"name":"x"}`).StatusCode)
	require.Equal(t, 200, f.get(t, "/api/v2/me", session, "Sec-Fetch-Site: cross-site").StatusCode, "reading is not forgery")
}

func TestForgery_PublicURL(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.PublicURL = "https://telemetry.example.com" })
	headers := []string{"Cookie: __Host-telemetryflow-session=" + adaSession, "X-Requested-With: x", "Host: backend:8080"}
	require.Equal(t, 200, f.send(t, "POST", "/api/v2/things", `{"name":"x"}`, append(headers, "Origin: https://telemetry.example.com")...).StatusCode)
	require.Equal(t, 403, f.send(t, "POST", "/api/v2/things", `{"name":"x"}`, append(headers, "Origin: http://backend:8080")...).StatusCode)
}

// ASVS 3.4.2: the list is fixed, and nothing that a caller sends is reflected.
func TestASVS_3_4_2_CORSIsAFixedList(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Origins = []string{listedOrigin} })
	preflight := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-evil"}

	got := f.send(t, http.MethodOptions, "/api/v2/things", "", append(preflight, "Origin: "+listedOrigin)...)
	require.Equal(t, 204, got.StatusCode)
	require.Equal(t, listedOrigin, got.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", got.Header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, corsHeaders, got.Header.Get("Access-Control-Allow-Headers"))

	got = f.get(t, "/api/v2/things", as(adaToken), "Origin: "+listedOrigin)
	require.Equal(t, listedOrigin, got.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, got.Header.Get("Access-Control-Expose-Headers"), "Link")

	for _, origin := range []string{"https://evil.example.com", "null", listedOrigin + ":444", "https://DASHBOARDS.example.com", "*"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet} {
			got := f.send(t, method, "/api/v2/things", "", append(preflight, as(adaToken), "Origin: "+origin)...)
			for name := range got.Header {
				require.NotContains(t, name, "Access-Control", origin)
			}
			require.Contains(t, got.Header.Values("Vary"), "Origin")
		}
	}
}

// ASVS 3.3.1 to 3.3.4.
func TestASVS_3_3_1_Cookies(t *testing.T) {
	t.Parallel()
	settings := testSettings()
	session := NewCookies(settings).Session("value", time.Hour)
	require.Equal(t, "__Host-telemetryflow-session=value; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax", session.String())
	ended := NewCookies(settings).Session("value", 0)
	require.Equal(t, "__Host-telemetryflow-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", ended.String())

	settings.InsecureCookies = true
	insecure := NewCookies(settings)
	named := insecure.Named("device", "v", time.Minute)
	require.Equal(t, "device=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", named.String())
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	require.NoError(t, err)
	require.Empty(t, insecure.Value(r, "device"))
	r.AddCookie(&named)
	require.Equal(t, "v", insecure.Value(r, "device"))
}
