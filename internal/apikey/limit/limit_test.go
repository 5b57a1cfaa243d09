package limit_test

import (
	"strconv"
	"sync"
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

// together takes from a bucket of each collector at once, and returns what passed
// in each, and how often Redis was asked in all.
func together(t *testing.T, lessors []*limit.Lessor, name string, rate limit.Rate, each int) (passed []int, asked, failed int64) {
	t.Helper()
	passed = make([]int, len(lessors))
	var collectors sync.WaitGroup
	for i, l := range lessors {
		b := limit.NewBucket(l, name, rate)
		collectors.Go(func() { passed[i] = take(t, b, each) })
	}
	collectors.Wait()
	for _, l := range lessors {
		a, f := l.Leases()
		asked, failed = asked+a, failed+f
	}
	return passed, asked, failed
}

func lessors(t *testing.T, url string, n int) []*limit.Lessor {
	t.Helper()
	all := make([]*limit.Lessor, n)
	for i := range all {
		all[i] = lessor(t, url)
	}
	return all
}

func sum(all []int) (total int) {
	for _, n := range all {
		total += n
	}
	return total
}

// Collectors share a limit: together they never pass more, and at most 3 % of it
// lies unused in each. A hot one makes a round trip per chunk, not per call.
func TestBucket_Shared(t *testing.T) {
	t.Parallel()
	for _, collectors := range []int{1, 3, 12} {
		t.Run(strconv.Itoa(collectors), func(t *testing.T) {
			t.Parallel()
			passed, asked, failed := together(t, lessors(t, testkit.Redis(t).URL, collectors), "shared", perHour(1000), 1000)
			require.Zero(t, failed)
			require.LessOrEqual(t, sum(passed), 1000, "never more than the limit")
			require.GreaterOrEqual(t, sum(passed), 1000-30*collectors)
			require.LessOrEqual(t, asked, int64(1000/20+3*collectors))
		})
	}
}

// Over time they pass what has come back, and no more: a full limit after a
// pause, then the rate.
func TestBucket_SharedOverTime(t *testing.T) {
	t.Parallel()
	rate := limit.Rate{Tokens: 2000, Period: time.Second}
	all := lessors(t, testkit.Redis(t).URL, 6)
	began := time.Now()
	passed := 0
	for passed < 6000 {
		some, _, failed := together(t, all, "over time", rate, 500)
		require.Zero(t, failed)
		passed += sum(some)
		require.LessOrEqual(t, float64(passed), 2000*(1+time.Since(began).Seconds()))
	}
}

// Without Redis each collector holds the whole limit by itself, less what Redis
// has granted it; with Redis again they share.
func TestBucket_SharedRedisDown(t *testing.T) {
	t.Parallel()
	const collectors = 5
	server := testkit.Redis(t)
	buckets := make([]*limit.Bucket, collectors)
	for i, l := range lessors(t, server.URL, collectors) {
		buckets[i] = limit.NewBucket(l, "down", perHour(1000))
		require.Equal(t, 100, take(t, buckets[i], 100))
	}
	server.Stop()
	for _, b := range buckets {
		passed := take(t, b, 2000)
		require.LessOrEqual(t, passed, 900, "its own limit, of which it had used 100")
		require.GreaterOrEqual(t, passed, 900-30-20)
	}
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
			require.Eventually(t, func() bool { return b.Take(t.Context(), time.Now(), 1).Allowed }, 3*time.Minute, time.Millisecond)
			require.Greater(t, time.Since(begin), 1900*time.Millisecond, "3000 at 1000/s, of which 1000 were there")
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
