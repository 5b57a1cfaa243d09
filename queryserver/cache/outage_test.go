package cache_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// With Redis gone all goes on from L1 and the loads, and once it is back L2 serves again.
func TestCache_RedisKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.settings.RedisPause = 10 * time.Millisecond
	one, two := w.instance(t), w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	w.server.Stop()
	one.want(t, "ann", cache.L1, "not asked")
	one.Forget(t.Context(), "user:42")
	one.ForgetPattern(t.Context(), "user:*")
	one.want(t, "beth", cache.Load, "beth")
	one.want(t, "beth", cache.L1, "not asked")
	two.want(t, "beth", cache.Load, "beth")
	require.Positive(t, one.Stats().RedisErrors)

	w.server.Start(t)
	var n int
	require.Eventually(t, func() bool {
		n++
		id := strconv.Itoa(n)
		_, _, err := one.users.Get(t.Context(), acme, id, named("x"))
		require.NoError(t, err)
		_, origin, err := two.users.Get(t.Context(), acme, id, named("x"))
		require.NoError(t, err)
		return origin == cache.L2
	}, patience, time.Millisecond)
	// The notices come again too.
	require.Eventually(t, func() bool {
		before := two.Stats().Kinds["user"].Invalidations
		one.Forget(t.Context(), "user:42")
		return two.Stats().Kinds["user"].Invalidations > before
	}, patience, 5*time.Millisecond)
}

// A change while Redis hangs, and a Redis that comes back with what it had before: who has
// forgotten, and who has heard of it from the feed, believe none of it.
func TestCache_OldEntryDoesNotComeBackWithRedis(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.settings.RedisTimeout, w.settings.RedisPause = time.Second, 10*time.Millisecond
	one, two := w.instance(t), w.instance(t)
	get := map[*instance]func(string) string{}
	for _, i := range []*instance{one, two} {
		far := cache.Of(i.Cache, cache.Kind[string]{Name: "far", L2: time.Hour, Independent: true})
		get[i] = func(value string) string {
			got, _, err := far.Get(t.Context(), acme, "1", func(context.Context) (string, error) { return value, nil })
			require.NoError(t, err)
			return got
		}
	}
	require.Equal(t, "administrator", get[one]("administrator"))
	seen, err := w.client.Get(t.Context(), w.key("far:1")).Bytes()
	require.NoError(t, err)
	thaw := w.freeze(t)
	one.Forget(t.Context(), "far:1")
	two.Invalidate("far:1")
	require.Equal(t, "viewer", get[one]("viewer"))
	thaw()
	for _, i := range []*instance{one, two} {
		require.Eventually(t, func() bool {
			if w.client.Set(t.Context(), w.key("far:1"), seen, time.Hour).Err() != nil {
				return false
			}
			require.Equal(t, "viewer", get[i]("viewer"))
			return i.Stats().Kinds["far"].Rejected["invalidated"] > 0
		}, patience, time.Millisecond)
	}
}

// A Redis that hangs costs its time once per pause, not once per call.
func TestCache_HangingRedisCostsLittle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.settings.RedisTimeout, w.settings.RedisPause = time.Second, time.Hour
	one := w.instance(t)
	load := func(id string) cache.Origin {
		_, origin, err := one.users.Get(t.Context(), acme, id, named("x"))
		require.NoError(t, err)
		return origin
	}
	require.Equal(t, cache.Load, load("before"))
	require.Zero(t, one.Stats().RedisErrors)
	w.freeze(t)
	began := time.Now()
	require.Equal(t, cache.Load, load("first"))
	require.GreaterOrEqual(t, time.Since(began), time.Second)
	for n := range 1000 {
		require.Equal(t, cache.Load, load(strconv.Itoa(n)))
	}
	require.Equal(t, cache.L1, load("before"))
	s := one.Stats()
	require.EqualValues(t, 1, s.RedisErrors)
	require.EqualValues(t, 1000, s.RedisSkipped, "and the first is not stored, for its look-up got no epoch")
}

// Redis is flushed in the middle: what is there is L1's, and no error.
func TestCache_RedisFlushed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	require.NoError(t, w.client.FlushAll(t.Context()).Err())
	require.NoError(t, w.client.ScriptFlush(t.Context()).Err())
	one.want(t, "ann", cache.L1, "not asked")
	two := w.instance(t)
	two.want(t, "beth", cache.Load, "beth")
	w.instance(t).want(t, "beth", cache.L2, "not asked")
	require.Zero(t, one.Stats().RedisErrors+two.Stats().RedisErrors)
}

// A subscription that was lost may have lost notices: L1 starts anew with the next one.
func TestCache_LostSubscriptionEmptiesL1(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	require.NoError(t, w.client.Set(t.Context(), w.key("user:42"), "gone", 0).Err()) // as if deleted
	require.Positive(t, w.client.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Val())
	require.Eventually(t, func() bool {
		name, _ := one.get(t, named("beth"))
		return name == "beth"
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool {
		one.Forget(t.Context(), "user:42")
		return two.Stats().Kinds["user"].Invalidations > 0
	}, patience, 5*time.Millisecond)
}

// After a reply that came too late, no caller gets another's (go-redis CVE-2025-29923).
func TestCache_TimeoutsNeverCrossReplies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.settings.RedisTimeout, w.settings.RedisPause = time.Millisecond, time.Millisecond
	one := w.instance(t)
	far := cache.Of(one.Cache, cache.Kind[string]{Name: "far", L2: time.Hour, Independent: true})
	proxy := slowRedis(t, w)
	slow := build(t, w.settings, proxy)
	late := cache.Of(slow.Cache, cache.Kind[string]{Name: "far", L2: time.Hour, Independent: true})
	var group errgroup.Group
	group.SetLimit(16)
	for n := range 2000 {
		view := []*cache.View[string]{far, late}[n%2]
		group.Go(func() error {
			id := strconv.Itoa(n % 50)
			got, _, err := view.Get(t.Context(), acme, id, func(context.Context) (string, error) { return id, nil })
			if err == nil && got != id {
				err = fmt.Errorf("%s instead of %s", got, id)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	s := slow.Stats()
	require.Positive(t, s.RedisErrors, "some were late")
}

// slowRedis is a way to the server on which every fourth reply takes longer than the time
// that is allowed.
func slowRedis(t *testing.T, w *world) *redis.Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	behind := w.options(t)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(behind.Network, behind.Addr)
			if err != nil {
				_ = near.Close()
				continue
			}
			go pass(near, far, 0)
			go pass(far, near, 3*time.Millisecond)
		}
	}()
	return &redis.Options{Addr: listener.Addr().String()}
}

func pass(from, to net.Conn, delay time.Duration) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for n := 1; ; n++ {
		read, err := from.Read(buffer)
		if err != nil {
			return
		}
		if delay > 0 && n%4 == 0 {
			time.Sleep(delay) // the fault itself, not a wait for something
		}
		if _, err := to.Write(buffer[:read]); err != nil {
			return
		}
	}
}
