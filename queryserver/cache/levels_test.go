package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

func TestCache_EachLevelAnswers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	one.want(t, "ann", cache.L1, "not asked")
	two.want(t, "ann", cache.L2, "not asked")
	two.want(t, "ann", cache.L1, "not asked")
	require.True(t, cache.L2.Hit())
	require.False(t, cache.Load.Hit())

	s := two.Stats().Kinds["user"]
	require.Equal(t, []int64{1, 1, 0, 0}, []int64{s.L1Hits, s.L2Hits, s.Misses, s.Loads})
	s = one.Stats().Kinds["user"]
	require.Equal(t, []int64{1, 0, 1, 1}, []int64{s.L1Hits, s.L2Hits, s.Misses, s.Loads})
}

func TestCache_Lifetimes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var h hand
	skewed := func(s *cache.Settings) { h.use(s); s.MaxClockSkew = 4 * time.Hour } // so that Redis's clock, which stands, is near
	one := w.instance(t, skewed)
	one.want(t, "ann", cache.Load, "ann")
	left, err := w.client.PTTL(t.Context(), w.key("user:42")).Result()
	require.NoError(t, err)
	require.InDelta(t, 30*time.Minute, left, float64(time.Minute))
	h.move(5*time.Minute - time.Second)
	one.want(t, "ann", cache.L1, "new")
	h.move(2 * time.Second)
	one.want(t, "ann", cache.L2, "new")
	h.move(4*time.Minute + 58*time.Second)
	one.want(t, "ann", cache.L1, "new")
	h.move(3 * time.Second)
	one.want(t, "ann", cache.L2, "new")

	// An entry of L2 that is nearly over lives in L1 no longer than it.
	h.move(19 * time.Minute)
	one.want(t, "ann", cache.L2, "new")
	h.move(2 * time.Minute)
	one.want(t, "new", cache.Load, "new")
	require.EqualValues(t, 1, one.rejected("age"))
}

func TestCache_FailedLoadsAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	broken := errors.New("broken")
	_, origin, err := one.users.Get(t.Context(), acme, "42", func(context.Context) (user, error) {
		return user{Organization: acme, Name: "half"}, broken
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, cache.Load, origin)
	_, _, err = one.users.Get(t.Context(), acme, "42", func(context.Context) (user, error) { panic("bug") })
	require.ErrorContains(t, err, "panic: bug")
	require.EqualValues(t, 2, one.Stats().Kinds["user"].LoadErrors)
	require.Zero(t, w.client.Exists(t.Context(), w.key("user:42")).Val())
	one.want(t, "ann", cache.Load, "ann")
}

func TestCache_WhatMayNotBeKept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	whole := cache.Of(one.Cache, cache.Kind[string]{
		Name: "metrics", L1: time.Minute, L2: time.Minute, MaxBytes: 100,
		Keep: func(s string) bool { return s != "truncated" },
	})
	get := func(value string) cache.Origin {
		_, origin, err := whole.Get(t.Context(), acme, "1", func(context.Context) (string, error) { return value, nil })
		require.NoError(t, err)
		return origin
	}
	require.Equal(t, cache.Load, get("truncated"))
	require.Equal(t, cache.Load, get(strings.Repeat("x", 99))) // 101 with its quotes
	require.EqualValues(t, 1, one.Stats().Kinds["metrics"].TooLarge)
	require.Zero(t, w.client.Exists(t.Context(), w.key("metrics:1")).Val())
	require.Equal(t, cache.Load, get(strings.Repeat("x", 98)))
	require.Equal(t, cache.L1, get("not asked"))
}

func TestCache_KindsThatCannotWork(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	require.PanicsWithValue(t, `cache: the kind "user" is declared twice`, func() { cache.Of(one.Cache, cache.Kind[int]{Name: "user"}) })
	require.Panics(t, func() { cache.Of(one.Cache, cache.Kind[int]{Name: "user:"}) })
	// A filter without its alternatives would allow everything.
	require.Panics(t, func() { cache.Of(one.Cache, cache.Kind[queryserver.Filter]{Name: "filter"}) })
	require.Panics(t, func() { cache.Of(one.Cache, cache.Kind[struct{ Any any }]{Name: "any"}) })
	require.Panics(t, func() { cache.Of(one.Cache, cache.Kind[struct{ S cache.Secret }]{Name: "secret"}) })
	require.Panics(t, func() {
		cache.Of(one.Cache, cache.Kind[struct {
			Left string `json:"-"`
		}]{Name: "left_out"})
	})
	type tree struct {
		At       time.Time
		Owners   map[tenant.ID][]string
		Children []*tree
	}
	require.NotPanics(t, func() { cache.Of(one.Cache, cache.Kind[tree]{Name: "tree"}) })
}

func TestCache_WithoutRedis(t *testing.T) {
	t.Parallel()
	one := build(t, cache.DefaultSettings(), nil)
	one.want(t, "ann", cache.Load, "ann")
	one.want(t, "ann", cache.L1, "new")
	one.Forget(t.Context(), "user:42")
	one.want(t, "new", cache.Load, "new")
	one.ForgetPattern(t.Context(), "user:*")
	one.want(t, "newer", cache.Load, "newer")
}

func TestCache_Close(t *testing.T) {
	t.Parallel()
	one := build(t, cache.DefaultSettings(), nil)
	begun, ended := make(chan struct{}), make(chan error)
	go func() {
		_, _, err := one.users.Get(t.Context(), acme, "1", func(ctx context.Context) (user, error) {
			close(begun)
			<-ctx.Done()
			return user{}, ctx.Err()
		})
		ended <- err
	}()
	<-begun
	require.NoError(t, one.Close())
	require.ErrorIs(t, <-ended, context.Canceled)
	_, _, err := one.users.Get(t.Context(), acme, "1", named("ann"))
	require.Equal(t, queryserver.Unavailable, queryserver.CodeOf(err))
}

func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	settings := cache.DefaultSettings()
	require.NoError(t, settings.Validate(false))
	require.ErrorContains(t, settings.Validate(true), "redis_secret")
	settings.MaxValueBytes, settings.LoadTimeout, settings.MaxClockSkew = 1<<30, 0, -1
	err := settings.Validate(true)
	for _, key := range []string{"max_value_bytes", "load_timeout", "max_clock_skew"} {
		require.ErrorContains(t, err, key)
	}
}
