package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Incident 7: a path means one thing, however often it is encoded. Nothing is redirected.
func TestIncident7_PathTraversal(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, path := range []string{
		"/api/v2/../v2/things", "/api/v2/./things", "/api//v2/things", "//api/v2/things", "/api/v2/things/..", "/../etc/passwd",
		"/api/v2/%2e%2e/things", "/api/v2/%2E%2E%2Fthings", "/api/v2/%252e%252e%252fthings", "/api/v2/things/%2e%2e%2f%2e%2e%2fetc",
		"/api/v2/things%2fx", "/api/v2/things/%5c..%5c", "/api/v2/things/..\\..", "/api/v2/things/%00", "/api/v2/things/x%0d%0aSet-Cookie:x",
		"/api/v2/things/%ff", "/api/v2/things/%c0%ae%c0%ae", "/docs/..%2f..%2fsecret", "/api/v2/th%25ings",
	} {
		got := f.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+as(adaToken)+"\r\n\r\n")
		require.True(t, strings.HasPrefix(got, "HTTP/1.1 404 "), path+"\n"+got)
		require.Contains(t, got, `"code":"not_found"`)
		require.NotContains(t, got, "Location:")
		require.NotContains(t, got, "\nSet-Cookie")
	}
}

func TestTarget_Query(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, query := range []string{"limit=1&limit=2", "name=%ff", "name=%00", "name=%zz", "a;b=c", "name=%c0%ae"} {
		require.Equal(t, 400, f.get(t, "/api/v2/things?"+query, as(adaToken)).StatusCode, query)
	}
}
