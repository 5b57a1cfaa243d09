package apikeyauthextension

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// flood is a hundred clients that try one wrong secret after the other, of a key
// that was never used, so that each secret is worth a run of Argon2.
type flood struct {
	on      atomic.Bool
	clients sync.WaitGroup
}

func newFlood(ctx context.Context, s *serverExtension, victim apikey.Credential) *flood {
	f := &flood{}
	for range 100 {
		f.clients.Go(func() {
			ticker := time.NewTicker(5 * time.Millisecond) // a fast network's round trip
			defer ticker.Stop()
			for ctx.Err() == nil {
				<-ticker.C
				if f.on.Load() {
					_ = judge(s, apikeytest.Wrong(victim))
				}
			}
		})
	}
	return f
}

// sample measures good requests, one every moment.
func sample(t *testing.T, s *serverExtension, sources map[string][]string, n int) []time.Duration {
	t.Helper()
	taken := make([]time.Duration, n)
	ticker := time.NewTicker(200 * time.Microsecond)
	defer ticker.Stop()
	for i := range taken {
		<-ticker.C
		began := time.Now()
		_, err := s.Authenticate(t.Context(), sources)
		taken[i] = time.Since(began)
		require.NoError(t, err)
	}
	return taken
}

// A hundred wrong secrets at once do not double the time of good requests, in the
// middle or at the end of the scale. Both are measured by turns, so that what else
// the machine does falls on both alike.
func TestServer_WrongSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	good, victim := b.limited(t, 1_000_000_000), b.Key(t)
	require.Equal(t, codes.OK, judge(b.extension, good))
	ctx, cancel := context.WithCancel(t.Context())
	f := newFlood(ctx, b.extension, victim)
	defer f.clients.Wait()
	defer cancel()
	stats := &b.extension.engine.Stats

	var quiet, flooded []time.Duration
	for range 12 {
		quiet = append(quiet, sample(t, b.extension, headers(good), 400)...)
		f.on.Store(true)
		begun := stats.Argon2Wrong.Load()
		require.Eventually(t, func() bool { return stats.Argon2Wrong.Load() > begun }, soon, time.Millisecond)
		flooded = append(flooded, sample(t, b.extension, headers(good), 400)...)
		f.on.Store(false)
		require.Eventually(t, func() bool { return stats.Argon2Running.Load() == 0 }, soon, time.Millisecond)
	}
	slices.Sort(quiet)
	slices.Sort(flooded)
	for _, percent := range []int{50, 95, 99} {
		before, during := quiet[len(quiet)*percent/100], flooded[len(flooded)*percent/100]
		t.Logf("p%d of good requests: %s quiet, %s flooded", percent, before, during)
		// Both are microseconds, next to which the machine's own noise is large.
		require.LessOrEqual(t, during, max(2*before, 50*time.Microsecond))
	}
}

// However many wrong secrets come for one key, Argon2 runs once at a time and
// rests as long as it ran.
func TestServer_WrongSecretsProcessor(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	victim := b.Key(t)
	ctx, cancel := context.WithCancel(t.Context())
	f := newFlood(ctx, b.extension, victim)
	defer f.clients.Wait()
	defer cancel()
	f.on.Store(true)
	stats := &b.extension.engine.Stats
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	looks, running := 0.0, 0.0
	for looks < 1000 || stats.Argon2Wrong.Load() < 30 {
		<-ticker.C
		looks++
		running += float64(stats.Argon2Running.Load())
	}
	t.Logf("Argon2 ran %.0f %% of the time", 100*running/looks)
	require.Less(t, running/looks, 0.7)
	require.Equal(t, int64(1), stats.Argon2Peak.Load())
}
