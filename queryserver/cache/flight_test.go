package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// gate is a load that is held open.
type gate struct {
	begun, open chan struct{}
	name        string
	loads       atomic.Int64
}

func newGate(name string) *gate {
	return &gate{begun: make(chan struct{}), open: make(chan struct{}), name: name}
}

func (g *gate) load(ctx context.Context) (user, error) {
	if g.loads.Add(1) == 1 {
		close(g.begun)
	}
	select {
	case <-g.open:
		return user{Organization: acme, Name: g.name}, nil
	case <-ctx.Done():
		return user{}, ctx.Err()
	}
}

// awaitCallers waits until so many share the flight for user 42.
func (i *instance) awaitCallers(t testing.TB, callers int) {
	t.Helper()
	require.Eventually(t, func() bool { return i.users.Waiting(acme, "42") == callers }, patience, time.Millisecond)
}

func TestCache_ThousandCallersAreOneLoad(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	g := newGate("ann")
	var group errgroup.Group
	for range 1000 {
		group.Go(func() error {
			u, origin, err := one.users.Get(t.Context(), acme, "42", g.load)
			if err == nil && (u.Name != "ann" || origin != cache.Load) {
				err = errors.New("another's value")
			}
			return err
		})
	}
	one.awaitCallers(t, 1000)
	close(g.open)
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, g.loads.Load())
	s := one.Stats().Kinds["user"]
	require.EqualValues(t, 1, s.Loads)
	require.EqualValues(t, 1000, s.Misses)
}

// Callers that come while a flight lands find it or what it left: never a second load.
func TestCache_LateCallersNeverLoadAgain(t *testing.T) {
	t.Parallel()
	one := build(t, cache.DefaultSettings(), nil)
	for round := range 5000 {
		var loads atomic.Int64
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				_, _, _ = one.users.Get(t.Context(), acme, strconv.Itoa(round), func(ctx context.Context) (user, error) {
					loads.Add(1)
					return named("ann")(ctx)
				})
			})
		}
		callers.Wait()
		require.EqualValues(t, 1, loads.Load())
	}
}

// A caller that leaves, be it the one that began, does not end the load of the others.
func TestCache_LeavingDoesNotCancelOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	g := newGate("ann")
	first, leave := context.WithCancel(t.Context())
	left := one.ask(first, g.load)
	<-g.begun
	got := one.ask(t.Context(), g.load)
	one.awaitCallers(t, 2)
	leave()
	require.Equal(t, context.Canceled.Error(), <-left)
	close(g.open)
	require.Equal(t, "ann", <-got)
	require.EqualValues(t, 1, g.loads.Load())
	one.want(t, "ann", cache.L1, "not asked")
}

// abandon lets a load begin and its only caller leave. The load ends, heedless of its
// context, when finish is closed.
func (i *instance) abandon(t *testing.T, finish <-chan struct{}) {
	t.Helper()
	begun, ended := make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	left := i.ask(ctx, func(ctx context.Context) (user, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		<-finish
		return user{Organization: acme, Name: "truncated"}, nil
	})
	<-begun
	leave()
	require.Equal(t, context.Canceled.Error(), <-left)
	<-ended
}

// A load that nobody awaits any more is ended, and what it gives is not remembered.
func TestCache_CancelledLoadIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	finish := make(chan struct{})
	one.abandon(t, finish)
	close(finish)
	require.NoError(t, one.Close()) // awaits it
	require.Zero(t, w.client.Exists(t.Context(), w.key("user:42")).Val())
	_, _, err := one.users.Get(t.Context(), acme, "42", named("not asked"))
	require.Equal(t, queryserver.Unavailable, queryserver.CodeOf(err), "L1 has it not")
}

// Who comes after the last has left does not get the end of the abandoned load.
func TestCache_AbandonedLoadTakesNoMoreCallers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	finish := make(chan struct{})
	one.abandon(t, finish)
	one.want(t, "whole", cache.Load, "whole")
	close(finish)
	require.NoError(t, one.Close())
	one.want(t, "whole", cache.L1, "not asked")
	w.instance(t).want(t, "whole", cache.L2, "not asked")
}

func TestCache_CallerWhoHasLeftLoadsNothing(t *testing.T) {
	t.Parallel()
	one := build(t, cache.DefaultSettings(), nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := one.users.Get(gone, acme, "43", func(context.Context) (user, error) { panic("nobody asked") })
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, one.Stats().Kinds["user"].Loads)
}

func TestCache_LoadTimeout(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t, func(s *cache.Settings) { s.LoadTimeout = 10 * time.Millisecond })
	_, _, err := one.users.Get(t.Context(), acme, "42", newGate("").load)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, w.client.Exists(t.Context(), w.key("user:42")).Val())
}
