package limit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// perHour comes back too slowly to matter within a test.
func perHour(tokens int64) limit.Rate { return limit.Rate{Tokens: tokens, Period: time.Hour} }

func lessor(t *testing.T, url string) *limit.Lessor {
	t.Helper()
	if url == "" {
		l := limit.NewLessor(nil, time.Second)
		t.Cleanup(l.Close)
		return l
	}
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	l := limit.NewLessor(client, time.Second)
	t.Cleanup(func() { l.Close(); require.NoError(t, client.Close()) })
	return l
}

func take(t *testing.T, b *limit.Bucket, n int) (passed int) {
	t.Helper()
	for range n {
		if b.Take(t.Context(), time.Now(), 1).Allowed {
			passed++
		}
	}
	return passed
}

// Collectors share a limit to within 3 % each; a hot one makes a round trip per
// chunk, not per call.
func TestBucket_Shared(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	var passed, asked atomic.Int64
	var collectors sync.WaitGroup
	for range 3 {
		l := lessor(t, server.URL)
		b := limit.NewBucket(l, "shared", perHour(1000))
		collectors.Go(func() {
			passed.Add(int64(take(t, b, 1000)))
			n, failed := l.Leases()
			asked.Add(n)
			if failed != 0 {
				t.Errorf("%d leases failed", failed)
			}
		})
	}
	collectors.Wait()
	require.LessOrEqual(t, passed.Load(), int64(1000), "never more than the limit")
	require.GreaterOrEqual(t, passed.Load(), int64(910), "at most 3 % unused in each of three")
	require.LessOrEqual(t, asked.Load(), int64(1000/20+3*3))
}

func TestBucket_Local(t *testing.T) {
	t.Parallel()
	b := limit.NewBucket(lessor(t, ""), "local", perHour(100))
	require.Equal(t, 100, take(t, b, 200))
	decision := b.Take(t.Context(), time.Now(), 1)
	require.False(t, decision.Allowed)
	require.Zero(t, decision.Remaining)
	require.InDelta(t, (time.Hour / 100).Seconds(), decision.RetryAfter.Seconds(), 2, "until one token is back")
	require.WithinDuration(t, time.Now().Add(time.Hour), decision.Reset, time.Minute)
}

// Losing Redis neither stops calls nor gives out again what was used.
func TestBucket_RedisLost(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	b := limit.NewBucket(lessor(t, server.URL), "lost", perHour(1000))
	require.Equal(t, 600, take(t, b, 600))
	server.Stop()
	require.InDelta(t, 400, take(t, b, 1000), 30)
}

// A call may take more than is left, once; then the debt is paid.
func TestBucket_Debt(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"Redis": testkit.Redis(t).URL, "Local": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := limit.NewBucket(lessor(t, url), "debt", limit.Rate{Tokens: 1000, Period: time.Second})
			begin := time.Now()
			require.True(t, b.Take(t.Context(), time.Now(), 3000).Allowed)
			refused := b.Take(t.Context(), time.Now(), 1)
			require.False(t, refused.Allowed)
			require.Greater(t, refused.RetryAfter, time.Second)
			require.Eventually(t, func() bool { return b.Take(t.Context(), time.Now(), 1).Allowed }, 10*time.Second, time.Millisecond)
			require.InDelta(t, 2, time.Since(begin).Seconds(), 0.6, "3000 at 1000/s, of which 1000 were there")
		})
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	s := limit.NewSet(lessor(t, ""), "key", keystore.Limits{RequestsPerMinute: 2, BytesPerSecond: 10})
	require.True(t, s.HasBudget())
	for range 2 {
		state, err := s.Request(t.Context(), time.Now())
		require.NoError(t, err)
		require.Equal(t, 2, state.Limit)
	}
	_, err := s.Request(t.Context(), time.Now())
	state, limited := apikey.RateLimitFromError(err)
	require.True(t, limited)
	require.Zero(t, state.Remaining)

	require.NoError(t, s.Spend(t.Context(), 1_000_000, 100), "items have no limit")
	require.ErrorContains(t, s.Spend(t.Context(), 1, 1), "bytes per second")

	none := limit.NewSet(lessor(t, ""), "none", keystore.Limits{})
	require.False(t, none.HasBudget())
	for range 10_000 {
		state, err := none.Request(t.Context(), time.Now())
		require.NoError(t, err)
		require.Zero(t, state)
	}
}
