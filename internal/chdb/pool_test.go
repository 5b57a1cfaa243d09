package chdb

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A long wait stands for "for ever" in tests of the queue.
const longWait = 4 * time.Minute

func waiters(p *pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.Len()
}

func TestPool_LendsInTheOrderOfAsking(t *testing.T) {
	t.Parallel()
	p, only := newPool(8, longWait), &conn{}
	p.put(only)
	held, err := p.get(t.Context())
	require.NoError(t, err)
	order := make(chan int)
	for i := range 8 {
		go func() {
			c, err := p.get(t.Context())
			if err != nil {
				order <- -1
				return
			}
			order <- i
			p.put(c)
		}()
		require.Eventually(t, func() bool { return waiters(p) == i+1 }, longWait, time.Millisecond)
	}
	_, err = p.get(t.Context())
	var refused *Exception
	require.ErrorAs(t, err, &refused)
	require.Equal(t, CodeTooManyQueries, refused.Code)
	p.put(held)
	for i := range 8 {
		require.Equal(t, i, <-order)
	}
}

func TestPool_WaitEnds(t *testing.T) {
	t.Parallel()
	p := newPool(1, 20*time.Millisecond)
	_, err := p.get(t.Context())
	var refused *Exception
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Error(), "no connection became free in 20ms")
	require.Zero(t, waiters(p))
}

// A connection that arrives while its receiver gives up goes to the next.
func TestPool_LosesNothingWhenWaitersLeave(t *testing.T) {
	t.Parallel()
	p := newPool(64, longWait)
	p.put(&conn{})
	done := make(chan error)
	for i := range 32 {
		go func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Microsecond)
				c, err := p.get(ctx)
				cancel()
				if err == nil {
					p.put(c)
				} else if !errors.Is(err, context.DeadlineExceeded) {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 32 {
		require.NoError(t, <-done)
	}
	require.Zero(t, waiters(p))
	require.Len(t, p.idle, 1)
}

func TestLockDataPath(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	first, err := lockDataPath(folder)
	require.NoError(t, err)
	_, err = lockDataPath(folder)
	require.ErrorContains(t, err, "is in use by process")
	require.ErrorContains(t, err, "--data-dir")
	require.NoError(t, first.Close())
	again, err := lockDataPath(folder)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestOpenLibrary_Missing(t *testing.T) {
	t.Parallel()
	_, err := openLibrary(filepath.Join(t.TempDir(), "libchdb.so"))
	require.ErrorIs(t, err, ErrLibraryMissing)
	require.ErrorContains(t, err, "make setup")
}
