package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// await waits until an instance has heard of so many invalidations of users.
func (i *instance) await(t testing.TB, invalidations int64) {
	t.Helper()
	require.Eventually(t, func() bool { return i.Stats().Kinds["user"].Invalidations >= invalidations }, patience, time.Millisecond)
}

func TestCache_ForgetReachesEveryLevelEverywhere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	two.want(t, "ann", cache.L2, "not asked")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel() // the caller's client has left; the change is committed
	one.Forget(cancelled, "user:42", "box:1", "unknown:1", "nonsense")
	require.Zero(t, w.client.Exists(t.Context(), w.key("user:42")).Val())
	two.await(t, 1)
	two.want(t, "beth", cache.Load, "beth")
	one.want(t, "beth", cache.Load, "beth") // what two has read is within the skew of clocks
	one.want(t, "beth", cache.L1, "not asked")
}

// After the skew of clocks has passed, L2 serves again what was invalidated.
func TestCache_L2ServesAgainAfterAnInvalidation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t, func(s *cache.Settings) { s.MaxClockSkew = 20 * time.Millisecond })
	far := cache.Of(one.Cache, cache.Kind[string]{Name: "far", L2: time.Hour, Independent: true})
	get := func(value string) (string, cache.Origin) {
		got, origin, err := far.Get(t.Context(), acme, "1", func(context.Context) (string, error) { return value, nil })
		require.NoError(t, err)
		return got, origin
	}
	_, _ = get("old")
	_, origin := get("not asked")
	require.Equal(t, cache.L2, origin)
	one.Invalidate("far:1")
	require.Eventually(t, func() bool {
		value, origin := get("new")
		require.Equal(t, "new", value)
		return origin == cache.L2
	}, patience, time.Millisecond)
}

func TestCache_ForgetPattern(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	glob := `a*[b]?\`
	boxes := func(i *instance, id, name string) string {
		u, origin, err := i.boxes.Get(t.Context(), acme, id, named(name))
		require.NoError(t, err)
		return u.Name + " " + origin.String()
	}
	fill := func() {
		for n := range 3000 {
			require.Equal(t, "old ", boxes(one, fmt.Sprintf("%s:%d:x", glob, n), "old"))
		}
		require.Equal(t, "old ", boxes(one, "axb:1", "old"))
		require.Equal(t, "old ", boxes(one, "a:1", "old"))
	}
	fill()
	require.Equal(t, "old L2", boxes(two, glob+":7:x", "not asked"))
	require.Equal(t, "old L2", boxes(two, "a:1", "not asked"))

	one.ForgetPattern(t.Context(), "box:"+glob+":*")
	require.EqualValues(t, 3, w.client.DBSize(t.Context()).Val(), "two entries and the epoch stay")
	require.Eventually(t, func() bool { return two.Stats().Kinds["box"].Invalidations == 1 }, patience, time.Millisecond)
	for _, i := range []*instance{one, two} {
		require.Equal(t, "new ", boxes(i, glob+":7:x", "new"))
	}
	require.Equal(t, "old L1", boxes(two, "a:1", "not asked"))
	require.Equal(t, "old L1", boxes(one, "axb:1", "not asked"))

	one.ForgetPattern(t.Context(), "box:*")
	require.Equal(t, "new ", boxes(one, "a:1", "new"))
	one.ForgetPattern(t.Context(), "box:a*") // not up to a colon: refused
	one.ForgetPattern(t.Context(), "*")
	require.Equal(t, "new L1", boxes(one, "a:1", "not asked"))
}

// A role of an organization has changed: all its users' permissions are read again.
func TestCache_ForgetOwner(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	get := func(i *instance, owner tenant.ID, id, name string) string {
		u, origin, err := i.users.Get(t.Context(), owner, id, func(context.Context) (user, error) {
			return user{Organization: owner, Name: name}, nil
		})
		require.NoError(t, err)
		return u.Name + " " + origin.String()
	}
	require.Equal(t, "old ", get(one, acme, "1", "old"))
	require.Equal(t, "old ", get(one, acme, "2", "old"))
	require.Equal(t, "old ", get(one, other, "3", "old"))
	require.Equal(t, "old L2", get(two, acme, "1", "not asked"))

	one.ForgetOwner(t.Context(), "user", acme)
	two.await(t, 1)
	require.Equal(t, "new ", get(two, acme, "1", "new"))
	require.Equal(t, "new ", get(two, acme, "2", "new"))
	require.Equal(t, "old L2", get(two, other, "3", "not asked"))
	require.Equal(t, "new ", get(one, acme, "2", "new"))
	require.Equal(t, "old L1", get(one, other, "3", "not asked"))

	two.InvalidateOwner("user", acme)
	require.Equal(t, "newer ", get(two, acme, "1", "newer"))
	require.Equal(t, "new L1", get(one, acme, "2", "not asked"))
}

// What the change feed tells holds here, whatever Redis still has.
func TestCache_InvalidateRefusesWhatL2Has(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one := w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	one.Invalidate("user:42")
	require.EqualValues(t, 1, w.client.Exists(t.Context(), w.key("user:42")).Val())
	one.want(t, "beth", cache.Load, "beth")
	require.EqualValues(t, 1, one.rejected("invalidated"))
}

// Reset drops all that came from PostgreSQL, and believes nothing older in L2; a server
// that starts begins so.
func TestCache_Reset(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	keys := cache.Kind[string]{Name: "apikey", L1: time.Minute, L2: 5 * time.Minute}
	get := func(v *cache.View[string], value string) string {
		got, origin, err := v.Get(t.Context(), acme, "1", func(context.Context) (string, error) { return value, nil })
		require.NoError(t, err)
		return got + " " + origin.String()
	}
	mine := cache.Of(one.Cache, keys)
	require.Equal(t, "old ", get(mine, "old"))
	require.Equal(t, "old L1", get(mine, "not asked"))
	one.want(t, "ann", cache.Load, "ann")
	one.Reset()
	require.Equal(t, "new ", get(mine, "new"))
	one.want(t, "ann", cache.L1, "not from PostgreSQL")
	require.Equal(t, "newer ", get(cache.Of(two.Cache, keys), "newer"))
}

// When more was invalidated than is kept in mind, what is older is refused as a whole.
func TestCache_ForgottenInvalidationsRefuseAllThatIsOlder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t, func(s *cache.Settings) { s.MaxInvalidations = 10 }), w.instance(t)
	load := func(i *instance, id string) string {
		_, origin, err := i.users.Get(t.Context(), acme, id, named("x"))
		require.NoError(t, err)
		return origin.String()
	}
	for _, id := range []string{"gone", "first", "second"} {
		require.Empty(t, load(two, id))
	}
	one.Invalidate("user:gone")
	for n := range 9 {
		one.Invalidate(fmt.Sprintf("user:%d", n))
	}
	require.Equal(t, "L2", load(one, "first"))
	one.Invalidate("user:one too many")
	require.Empty(t, load(one, "gone"))
	require.Empty(t, load(one, "second"), "nobody has named it, but what was forgotten may have been it")
	require.EqualValues(t, 2, one.rejected("invalidated"))
}
