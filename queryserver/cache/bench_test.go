package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

var errLoaded = errors.New("loaded")

func never(context.Context) (user, error) { return user{}, errLoaded }

func warm(b *testing.B, c *instance, n int) []string {
	b.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("0190f3a1-7c1e-7d2b-9b54-", i)
		_, _, err := c.users.Get(b.Context(), acme, ids[i], named("ann"))
		require.NoError(b, err)
	}
	return ids
}

// A hit in L1: under 1 µs, no allocation.
func BenchmarkView_L1Hit(b *testing.B) {
	c := build(b, cache.DefaultSettings(), nil)
	ids := warm(b, c, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := c.users.Get(b.Context(), acme, ids[i%len(ids)], never); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkView_L1HitParallel(b *testing.B) {
	c := build(b, cache.DefaultSettings(), nil)
	ids := warm(b, c, 1000)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if _, _, err := c.users.Get(b.Context(), acme, ids[i%len(ids)], never); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A hit in L2 is one round trip and one seal.
func BenchmarkView_L2Hit(b *testing.B) {
	w := setup(b)
	c := w.instance(b)
	far := cache.Of(c.Cache, cache.Kind[user]{Name: "far", L2: 1 << 40, Independent: true})
	_, _, err := far.Get(b.Context(), acme, "1", named("ann"))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, origin, err := far.Get(b.Context(), acme, "1", never); err != nil || origin != cache.L2 {
			b.Fatal(origin, err)
		}
	}
}

// A load that fills both levels: what the cache adds to it.
func BenchmarkView_Fill(b *testing.B) {
	w := setup(b)
	c := w.instance(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := c.users.Get(b.Context(), acme, strconv.Itoa(i), named("ann")); err != nil {
			b.Fatal(err)
		}
	}
}
