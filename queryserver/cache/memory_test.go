package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// grants is a value with many small parts, whose estimate is the hardest.
type grants struct {
	Organization tenant.ID
	Permissions  []queryserver.Permission
	Predicates   []queryserver.Predicate
}

func manyGrants(n int) grants {
	g := grants{Organization: acme}
	for i := range 20 {
		g.Permissions = append(g.Permissions, queryserver.Permission(fmt.Sprintf("p%d-%d:read", n, i)))
	}
	for i := range 5 {
		g.Predicates = append(g.Predicates, queryserver.Predicate{Dimension: fmt.Sprint("service", i), Values: []string{fmt.Sprint("a", n), fmt.Sprint("b", n)}})
	}
	return g
}

// L1 stays within its bound, by its own estimate and by what the heap says.
func TestCache_MemoryBoundHolds(t *testing.T) { //nolint:paralleltest // it measures the heap of the process
	const bound = 8 << 20
	settings := cache.DefaultSettings()
	settings.MaxBytes = bound
	for name, load := range map[string]func(int) any{
		"small": func(n int) any { return strconv.Itoa(n) },
		"parts": func(n int) any { return manyGrants(n) },
		"large": func(n int) any { return strings.Repeat(strconv.Itoa(n%10), 10_000) },
	} {
		t.Run(name, func(t *testing.T) {
			one := build(t, settings, nil)
			texts := cache.Of(one.Cache, cache.Kind[string]{Name: "text", L1: time.Hour})
			all := cache.Of(one.Cache, cache.Kind[grants]{Name: "grants", L1: time.Hour})
			before := heap()
			for n := range 30_000 {
				id := strconv.Itoa(n)
				var err error
				switch value := load(n).(type) {
				case string:
					_, _, err = texts.Get(t.Context(), acme, id, func(context.Context) (string, error) { return value, nil })
				case grants:
					_, _, err = all.Get(t.Context(), acme, id, func(context.Context) (grants, error) { return value, nil })
				}
				require.NoError(t, err)
			}
			one.Settle()
			require.LessOrEqual(t, one.Stats().Bytes, int64(bound))
			require.Greater(t, one.Stats().Bytes, int64(bound*8/10), "it is full")
			held := heap() - before
			t.Logf("%d KB on the heap", held>>10)
			require.Less(t, held, int64(bound*3/2))
			runtime.KeepAlive(one)
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
