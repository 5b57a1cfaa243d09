package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond)
}

func (l *line) counts() (running, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running, l.waiting.Len()
}

func TestLine_FullRefusesWithRetryAfter(t *testing.T) {
	t.Parallel()
	l := &line{width: 1, longest: 2, timeout: time.Minute}
	require.NoError(t, l.enter(t.Context()))
	var waiters sync.WaitGroup
	for range 2 {
		waiters.Go(func() {
			if err := l.enter(context.Background()); err != nil {
				t.Error(err)
			}
			l.leave(false, 0)
		})
	}
	until(t, func() bool { _, waiting := l.counts(); return waiting == 2 })
	err := l.enter(t.Context())
	var refused *queryserver.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, queryserver.TooMany, refused.Code)
	require.Equal(t, retryAfter, refused.RetryAfter)
	l.leave(false, 0)
	waiters.Wait()
	running, waiting := l.counts()
	require.Zero(t, running+waiting)
	require.NoError(t, l.enter(t.Context()), "free again")
}

func TestLine_StandingStillRefusesAfterItsTimeout(t *testing.T) {
	t.Parallel()
	l := &line{width: 1, longest: 9, timeout: 20 * time.Millisecond}
	require.NoError(t, l.enter(t.Context()))
	err := l.enter(t.Context())
	require.Equal(t, queryserver.TooMany, queryserver.CodeOf(err))
	running, waiting := l.counts()
	require.Equal(t, [2]int{1, 0}, [2]int{running, waiting})
	l.leave(false, 0)
	require.NoError(t, l.enter(t.Context()))
}

func TestLine_InOrder(t *testing.T) {
	t.Parallel()
	l := &line{width: 1, longest: 100, timeout: time.Minute}
	require.NoError(t, l.enter(t.Context()))
	var order []int
	var waiters sync.WaitGroup
	for i := range 20 {
		waiters.Go(func() {
			if err := l.enter(context.Background()); err != nil {
				t.Error(err)
			}
			order = append(order, i) // one at a time, so without a lock; -race watches
			l.leave(false, 0)
		})
		until(t, func() bool { _, waiting := l.counts(); return waiting == i+1 })
	}
	l.leave(false, 0)
	waiters.Wait()
	for i := range order {
		require.Equal(t, i, order[i])
	}
}

// Issue: 200 wrong logins at once must leave processors to other requests.
func TestASVS2_4_1_GuessersGetHalfOfTheProcessors(t *testing.T) {
	t.Parallel()
	l := &line{width: 4, longest: 500, timeout: time.Minute}
	for range 4 + 1 {
		require.NoError(t, l.enter(t.Context()))
		l.leave(true, 0)
	}
	var running, peak atomic.Int64
	var guesses sync.WaitGroup
	for range 200 {
		guesses.Go(func() {
			if err := l.enter(context.Background()); err != nil {
				t.Error(err)
			}
			now := running.Add(1)
			for high := peak.Load(); now > high && !peak.CompareAndSwap(high, now); high = peak.Load() {
				continue
			}
			time.Sleep(100 * time.Microsecond) // the work
			running.Add(-1)
			l.leave(true, 0)
		})
	}
	guesses.Wait()
	require.EqualValues(t, 2, peak.Load())

	// Right passwords bring the whole width back, after as many as were wrong.
	for range 2 * l.width {
		require.NoError(t, l.enter(t.Context()))
		l.leave(false, 0)
	}
	for range l.width {
		require.NoError(t, l.enter(t.Context()))
	}
	current, waiting := l.counts()
	require.Equal(t, [2]int{4, 0}, [2]int{current, waiting})
}

// Once guesses come in, each keeps its place for a while; right passwords do not.
func TestASVS2_4_1_GuessesRest(t *testing.T) {
	t.Parallel()
	l := &line{width: 1, longest: 9, timeout: time.Minute, rest: 15}
	guess := func(took time.Duration) time.Duration {
		began := time.Now()
		require.NoError(t, l.enter(t.Context()))
		l.leave(true, took)
		return time.Since(began)
	}
	guess(time.Hour) // one mistake is no guessing
	guess(4 * time.Millisecond)
	require.GreaterOrEqual(t, guess(4*time.Millisecond), 50*time.Millisecond)
	require.NoError(t, l.enter(t.Context()))
	l.leave(false, time.Hour)
	require.NoError(t, l.enter(t.Context()), "a right password does not rest")
}

// Who is known does not wait for strangers who guess.
func TestHasher_KnownDoNotWait(t *testing.T) {
	t.Parallel()
	h := hasher(t, func(s *Settings) { s.Concurrency = 1 })
	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	require.NoError(t, h.strangers.enter(t.Context()), "and does not leave")
	verdict, err := h.VerifyKnown(t.Context(), "password", hash)
	require.NoError(t, err)
	require.True(t, verdict.Right)
}

func TestLine_CrowdGetsHalf(t *testing.T) {
	t.Parallel()
	l := &line{width: 2, longest: 500, timeout: time.Minute}
	require.Equal(t, 2, l.open())
	for range crowd*l.width + 1 {
		l.waiting.PushBack(make(chan struct{}))
	}
	require.Equal(t, 1, l.open())
	require.Equal(t, 1, (&line{width: 1, wrong: 2}).open(), "never none")
}

func TestLine_GivingUpLosesNoPlace(t *testing.T) {
	t.Parallel()
	l := &line{width: 2, longest: 1000, timeout: time.Minute}
	var calls sync.WaitGroup
	var entered, gaveUp atomic.Int64
	for i := range 400 {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%7)*100*time.Microsecond)
			defer cancel()
			if err := l.enter(ctx); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				gaveUp.Add(1)
				return
			}
			entered.Add(1)
			if running, _ := l.counts(); running > 2 {
				t.Error("more run than may", running)
			}
			l.leave(i%2 == 0, 0)
		})
	}
	calls.Wait()
	require.EqualValues(t, 400, entered.Load()+gaveUp.Load())
	running, waiting := l.counts()
	require.Zero(t, running+waiting)
}
