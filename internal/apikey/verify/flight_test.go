package verify_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// tally calls judge n times at once and counts the answers.
func tally(n int, judge func(i int) error) map[error]int {
	var mu sync.Mutex
	counts := make(map[error]int)
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			err := judge(i)
			mu.Lock()
			defer mu.Unlock()
			counts[err]++
		})
	}
	calls.Wait()
	return counts
}

// However many come first at once, a key is read once and verified once.
func TestEngine_SingleFlight(t *testing.T) {
	t.Parallel()
	w, redis := apikeytest.NewWorld(t), testkit.Redis(t)
	credential := w.Key(t)
	c := collect(t, w.IngestURL, redis.URL)
	counts := tally(1000, func(int) error { return c.judge(credential, 0) })
	require.Equal(t, map[error]int{nil: 1000}, counts)
	require.Equal(t, int64(1), c.Stats.PostgresReads.Load())
	require.Equal(t, int64(1), c.Stats.Argon2Right.Load())
	require.Zero(t, c.Stats.Argon2Wrong.Load())
}

// Of many wrong secrets of a key that is not proven yet, not all may wait. The others
// are told to come again, never that they are wrong; and the right one gets through.
func TestEngine_BoundedVerification(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	credential := w.Key(t)
	c := collect(t, w.IngestURL, "")
	counts := tally(200, func(int) error { return c.judge(apikeytest.Wrong(credential), 0) })
	require.Positive(t, counts[apikey.ErrUnavailable], "the queue is full")
	require.Positive(t, counts[apikey.ErrUnauthenticated])
	require.Equal(t, 200, counts[apikey.ErrUnavailable]+counts[apikey.ErrUnauthenticated])
	require.Equal(t, int64(counts[apikey.ErrUnauthenticated]), c.Stats.Argon2Wrong.Load())
	require.Equal(t, int64(1), c.Stats.Argon2Peak.Load(), "one at a time")
	c.within(t, patience, credential, nil)
	before := c.Stats.Argon2Wrong.Load()
	counts = tally(200, func(int) error { return c.judge(apikeytest.Wrong(credential), 0) })
	require.Equal(t, map[error]int{apikey.ErrUnauthenticated: 200}, counts)
	require.Equal(t, before, c.Stats.Argon2Wrong.Load(), "a proven key refuses without Argon2")
}

// Whoever knows the id of a key and no more cannot keep its owner out: the right
// secret finds a place in the line.
func TestEngine_RightAmongWrong(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	credential := w.Key(t)
	c := collect(t, w.IngestURL, "")
	ctx, cancel := context.WithCancel(t.Context())
	var attackers sync.WaitGroup
	defer attackers.Wait()
	defer cancel()
	for range 100 {
		attackers.Go(func() {
			for ctx.Err() == nil {
				_, _ = c.Verify(ctx, apikeytest.Wrong(credential), time.Now())
			}
		})
	}
	require.Eventually(t, func() bool { return c.Stats.Argon2Wrong.Load() > 1 }, patience, time.Millisecond)
	c.good(t, credential, "the first time")
}

// Verifications of all keys share one bound.
func TestEngine_BoundedOverKeys(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	keys := make([]apikey.Credential, 12)
	for i := range keys {
		keys[i] = w.Key(t)
	}
	c := collect(t, w.IngestURL, "", func(s *verify.Settings) { s.MaxVerifications = 2 })
	counts := tally(len(keys), func(i int) error { return c.judge(keys[i], 0) })
	require.Equal(t, map[error]int{nil: len(keys)}, counts)
	require.LessOrEqual(t, c.Stats.Argon2Peak.Load(), int64(2))
}

// Of many unknown ids few are looked up at once; the others come again.
func TestEngine_BoundedLookups(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	c := collect(t, w.IngestURL, "", func(s *verify.Settings) { s.MaxLookups, s.RefusalTime = 1, 0 })
	counts := tally(300, func(int) error { return c.judge(apikey.NewCredential(), 0) })
	require.Positive(t, counts[apikey.ErrUnavailable])
	require.Positive(t, counts[apikey.ErrUnauthenticated])
	require.Equal(t, 300, counts[apikey.ErrUnavailable]+counts[apikey.ErrUnauthenticated])
	require.Zero(t, c.Stats.Argon2Wrong.Load(), "an unknown id never costs a run")
}

// A call that gives up is answered so that it is tried again.
func TestEngine_Canceled(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	credential := w.Key(t)
	c := collect(t, w.IngestURL, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Verify(ctx, credential, time.Now())
	require.Equal(t, apikey.ErrUnavailable, err)
	c.within(t, patience, credential, nil)
}

// What is held of keys is bounded, and a key that had to go is read again.
func TestEngine_BoundedKeys(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	keys := make([]apikey.Credential, 1000)
	for i := range keys {
		keys[i] = apikey.NewCredential()
	}
	w.Store(t, keys...)
	c := collect(t, w.IngestURL, "", func(s *verify.Settings) { s.MaxKeys = 128 })
	for round := range 2 {
		for _, key := range keys {
			c.good(t, key)
		}
		require.LessOrEqual(t, c.KeyCount(), 128)
		require.Greater(t, c.Stats.PostgresReads.Load(), int64(round*500))
	}
}

// Refusals wait for their time, but no more of them than a bound.
func TestEngine_HeldRefusals(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	c := collect(t, w.IngestURL, "", func(s *verify.Settings) { s.RefusalTime = time.Hour })
	unknown := apikey.NewCredential()
	ctx, cancel := context.WithCancel(t.Context())
	var answered, calls sync.WaitGroup
	var refused atomic.Int64
	const all, held = 1500, 1024
	answered.Add(all - held)
	for range all {
		calls.Go(func() {
			_, err := c.Verify(ctx, unknown, time.Now())
			if n := refused.Add(1); n <= all-held {
				answered.Done()
			}
			if !errors.Is(err, apikey.ErrUnauthenticated) {
				t.Error(err)
			}
		})
	}
	answered.Wait()
	require.Equal(t, int64(all-held), refused.Load())
	cancel()
	calls.Wait()
}
