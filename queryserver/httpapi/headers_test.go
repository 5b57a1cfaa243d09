package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// ASVS 3.4.1 to 3.4.6 and 14.3.2, on every kind of answer.
func TestASVS_3_4_1_SecurityHeadersOnEveryResponse(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) {
		s.Origins = []string{listedOrigin}
		s.Proxies = []string{"127.0.0.1/32"}
	})
	https := "X-Forwarded-Proto: https"
	for name, got := range map[string]answer{
		"200":         f.get(t, "/api/v2/things", https, as(adaToken)),
		"401":         f.get(t, "/api/v2/things", https),
		"404":         f.get(t, "/nothing", https),
		"404 of path": f.get(t, "/api/v2/%2e%2e", https),
		"405":         f.send(t, "PUT", "/docs", "", https),
		"500":         f.get(t, "/api/v2/fail/panic", https),
		"preflight":   f.send(t, "OPTIONS", "/api/v2/things", "", https, "Origin: "+listedOrigin, "Access-Control-Request-Method: POST"),
		"docs":        f.get(t, "/docs", https),
		"openapi":     f.get(t, "/openapi.json", https),
	} {
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": strictTransport,
		} {
			require.Equal(t, []string{want}, got.Header.Values(header), name+" "+header)
		}
		require.Len(t, got.Header.Values("Content-Security-Policy"), 1, name)
		policy := got.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", name)
		require.Contains(t, policy, "frame-ancestors 'none'", name)
		require.Len(t, got.Header.Values("X-Request-Id"), 1, name)
		require.Empty(t, got.Header.Get("Server"))
	}
	require.Empty(t, f.get(t, "/docs").Header.Get("Strict-Transport-Security"), "plain HTTP")
}
