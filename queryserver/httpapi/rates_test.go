package httpapi

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestRates_ASVS_2_4_1(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	r := newRates(60)
	r.now = func() time.Time { return now }
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 60 {
		require.NoError(t, r.take(one))
	}
	var refused *queryserver.Error
	require.ErrorAs(t, r.take(one), &refused)
	require.Equal(t, queryserver.TooMany, refused.Code)
	require.Equal(t, time.Second, refused.RetryAfter)
	require.NoError(t, r.take(other), "another address")
	now = now.Add(refused.RetryAfter)
	require.NoError(t, r.take(one), "after the pause")
	require.Error(t, r.take(one))
	now = now.Add(time.Minute)
	for range 60 {
		require.NoError(t, r.take(one), "the whole share is back")
	}

	require.NoError(t, r.take(netip.MustParseAddr("2001:db8::1")))
	require.Equal(t, networkOf(netip.MustParseAddr("2001:db8::1")), networkOf(netip.MustParseAddr("2001:db8::ffff:1")), "one customer of IPv6")
	require.NoError(t, newRates(0).take(one), "no limit")
}

// What is remembered is bounded.
func TestRates_Forget(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	r := newRates(1)
	r.now = func() time.Time { return now }
	address := netip.MustParseAddr("10.0.0.0")
	for range maxNetworks + 10 {
		address = address.Next()
		require.NoError(t, r.take(address))
	}
	require.LessOrEqual(t, len(r.used), maxNetworks)
	require.Error(t, r.take(address), "the last one is known")
}

func TestASVS_2_4_1_PublicRoutesHaveARate(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Limits.PublicPerMinute = 3 })
	for range 3 {
		require.Equal(t, http.StatusOK, f.send(t, http.MethodPost, "/api/v2/login", `{"name": "x"}`).StatusCode)
	}
	refused := f.send(t, http.MethodPost, "/api/v2/login", `{"name": "x"}`)
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.Equal(t, "too_many", refused.problem(t).Code)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, f.get(t, "/api/v2/me", as(adaToken)).StatusCode, "who is proved is not concerned")
}
