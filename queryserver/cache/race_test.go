package cache_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

const rounds = 1000

// A load that began before an invalidation fills neither level after it: 1,000 rounds in
// parallel for each way to invalidate, by the instance that loads and by another one that
// shares Redis with it.
func TestCache_LoadHeldOpenAcrossAnInvalidationFillsNothing(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*instance, string){
		"Forget":          func(i *instance, id string) { i.Forget(t.Context(), "user:"+id) },
		"ForgetPattern":   func(i *instance, id string) { i.ForgetPattern(t.Context(), "user:"+id[:len(id)-1]+"*") },
		"ForgetOwner":     func(i *instance, _ string) { i.ForgetOwner(t.Context(), "user", acme) },
		"Invalidate":      func(i *instance, id string) { i.Invalidate("user:" + id) },
		"InvalidateOwner": func(i *instance, _ string) { i.InvalidateOwner("user", acme) },
	}
	for name, invalidate := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			one, two := w.instance(t), w.instance(t)
			from := []*instance{one, two}
			if name == "Invalidate" || name == "InvalidateOwner" {
				from = []*instance{one} // it is local
			}
			var group errgroup.Group
			group.SetLimit(32)
			for round := range rounds {
				group.Go(func() error {
					return heldOpen(t.Context(), w, one, from[round%len(from)], fmt.Sprintf("%d:x", round), invalidate)
				})
			}
			require.NoError(t, group.Wait())
		})
	}
}

func heldOpen(ctx context.Context, w *world, at, from *instance, id string, invalidate func(*instance, string)) error {
	g := newGate("old")
	done := make(chan error)
	go func() {
		_, _, err := at.users.Get(ctx, acme, id, g.load)
		done <- err
	}()
	<-g.begun
	invalidate(from, id)
	close(g.open)
	if err := <-done; err != nil {
		return err
	}
	if kept, err := w.client.Exists(ctx, w.key("user:"+id)).Result(); err != nil || kept > 0 {
		return fmt.Errorf("round %s: L2 has the value after the invalidation: %w", id, err)
	}
	u, origin, err := at.users.Get(ctx, acme, id, named("new"))
	if err == nil && (u.Name != "new" || origin != cache.Load) {
		err = fmt.Errorf("round %s: %s from %q after the invalidation", id, u.Name, origin)
	}
	return err
}

// Who asks after an invalidation does not share the load that began before it.
func TestCache_CallersAfterAnInvalidationGetAFlightOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	g := newGate("old")
	done := one.ask(t.Context(), g.load)
	<-g.begun
	one.Forget(t.Context(), "user:42")
	one.want(t, "new", cache.Load, "new")
	close(g.open)
	require.Equal(t, "old", <-done, "it asked before the change")
	one.want(t, "new", cache.L1, "not asked")
}

// Nor does a load fill L2 that began before everything in Redis was flushed, epochs
// included, when it was invalidated meanwhile.
func TestCache_FlushDoesNotHideAnInvalidation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	g := newGate("old")
	done := one.ask(t.Context(), g.load)
	<-g.begun
	two.Forget(t.Context(), "user:42")
	require.NoError(t, w.client.FlushAll(t.Context()).Err())
	close(g.open)
	require.Equal(t, "old", <-done)
	require.Zero(t, w.client.Exists(t.Context(), w.key("user:42")).Val())
	one.want(t, "new", cache.Load, "new")
}

// Writers change a value and forget it while readers read through two instances: after
// Forget, nobody on the same instance sees less than was committed before.
func TestCache_ReadersNeverSeeThePast(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var committed [8]atomic.Int64 // the database
	instances := []*instance{w.instance(t), w.instance(t)}
	views := make([]*cache.View[int64], len(instances))
	for n, i := range instances {
		views[n] = cache.Of(i.Cache, cache.Kind[int64]{Name: "n", L1: 1e12, L2: 1e12, Independent: true})
	}
	var forgotten [2][8]atomic.Int64 // the newest that the instance was told of
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for id := range committed {
		writers.Go(func() {
			for n := range int64(rounds / len(committed) * 2) {
				at := int(n) % len(instances)
				committed[id].Store(n + 1)
				instances[at].Forget(t.Context(), fmt.Sprintf("n:%d", id))
				forgotten[at][id].Store(n + 1)
			}
		})
		for at, view := range views {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					least := forgotten[at][id].Load()
					got, _, err := view.Get(t.Context(), acme, strconv.Itoa(id), func(context.Context) (int64, error) { return committed[id].Load(), nil })
					if err != nil || got < least {
						t.Errorf("%d after %d was committed and forgotten: %v", got, least, err)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}
