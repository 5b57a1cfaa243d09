package main

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// Design 6: the limit of a key holds here too, and says so.
func TestAPIKey_RequestLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client()
	_, credential, err := w.keys.Create(t.Context(), keyadmin.NewKey{
		Name: "limited", Kind: keyadmin.Tenant, Binding: w.ours.shop.Tenant, Permissions: readPermissions(), Limits: keyadmin.Limits{RequestsPerMinute: 3},
	})
	require.NoError(t, err)
	who := &caller{headers: byPair(credential)}
	for left := 2; left >= 0; left-- {
		status, header, text := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
		require.Equal(t, http.StatusOK, status, text)
		require.Equal(t, "3", header.Get("X-RateLimit-Limit"))
		require.Equal(t, strconv.Itoa(left), header.Get("X-RateLimit-Remaining"))
		require.NotEmpty(t, header.Get("X-RateLimit-Reset"))
	}
	status, header, text := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusTooManyRequests, status, text)
	require.Contains(t, text, "requests per minute")
	require.NotEmpty(t, header.Get("Retry-After"))
	require.Equal(t, "0", header.Get("X-RateLimit-Remaining"))
	status, header, _ = w.send(t, client, &caller{headers: byPair(w.ours.key)}, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, header.Get("X-RateLimit-Limit"), "a key without limit")
}

// Rule 26: a key that is revoked is refused within 5 s, also while Redis is down.
func TestAPIKey_Revoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client()
	who := w.ours.readingKeys()[0](t)
	status, _, text := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, `"kind":"api_key"`)
	require.Contains(t, text, `"permissions":["logs:read","metrics:read","traces:read"]`)
	w.redis.Stop()
	status, _, text = w.send(t, client, w.owner(t), http.MethodDelete, "/api/v2/api-keys/"+who.headers["X-API-Key-ID"], "")
	require.Equal(t, http.StatusNoContent, status, text)
	require.Eventually(t, func() bool {
		status, _, _ := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
		return status == http.StatusUnauthorized
	}, 5*time.Second, 20*time.Millisecond)
}

// Design 6: while the store of keys is away, known keys go on, and of others nobody says
// that they do not hold.
func TestAPIKey_StoreDown(t *testing.T) {
	t.Parallel()
	gate := apikeytest.NewGate(t, testkit.Postgres(t).AppURL)
	w := newWorldAt(t, gate.URL, noClickHouse)
	client := w.client()
	known, unknown := w.ours.readingKeys()[0](t), w.ours.readingKeys()[0](t)
	status, _, text := w.send(t, client, known, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusOK, status, text)
	w.redis.Stop()
	gate.Close()
	status, header, text := w.send(t, client, unknown, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	require.NotEmpty(t, header.Get("Retry-After"))
	status, _, text = w.send(t, client, known, http.MethodGet, "/api/v2/auth/me", "")
	require.Equal(t, http.StatusOK, status, text)
	gate.Open()
	require.Eventually(t, func() bool {
		status, _, _ := w.send(t, client, unknown, http.MethodGet, "/api/v2/auth/me", "")
		return status == http.StatusOK
	}, 10*time.Second, 50*time.Millisecond)
}
