package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// Whoever writes Redis can make no value, change none, and move none (ASVS 11.3.3).
func TestCache_RedisWriterCannotMakeValues(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.instance(t).want(t, "ann", cache.Load, "ann")
	sealed, err := w.client.Get(t.Context(), w.key("user:42")).Bytes()
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "ann")

	forgeries := map[string]any{
		"json": `{"Organization":"01000000-0000-0000-0000-000000000000","Name":"root"}`, "empty": "\x01", "huge": make([]byte, 2<<20),
	}
	for _, at := range []int{0, 5, 9, 30, 40, len(sealed) - 1} {
		changed := append([]byte(nil), sealed...)
		changed[at] ^= 1
		forgeries[fmt.Sprintf("byte %d", at)] = changed
	}
	forgeries["cut"] = sealed[:len(sealed)-1]
	for name, forged := range forgeries {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, w.client.Set(t.Context(), w.key("user:42"), forged, time.Hour).Err())
			one := w.instance(t)
			one.want(t, "true", cache.Load, "true")
			require.EqualValues(t, 1, one.rejected("seal"))
			w.instance(t).want(t, "true", cache.L2, "new") // it has been replaced
		})
	}
	t.Run("another type", func(t *testing.T) {
		require.NoError(t, w.client.Del(t.Context(), w.key("user:42")).Err())
		require.NoError(t, w.client.HSet(t.Context(), w.key("user:42"), "record", "x").Err())
		one := w.instance(t)
		one.want(t, "true", cache.Load, "true")
		require.EqualValues(t, 1, one.rejected("seal"))
		w.instance(t).want(t, "true", cache.L2, "new")
		require.Zero(t, one.Stats().RedisErrors)
	})
	t.Run("another secret", func(t *testing.T) {
		stranger := w.instance(t, func(s *cache.Settings) { s.Secret = make(cache.Secret, 32) })
		stranger.want(t, "own", cache.Load, "own")
		require.EqualValues(t, 1, stranger.rejected("seal"))
	})
}

// A value that is moved to another key is not that key's, whoever owns it.
func TestCache_MovedValuesAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.instance(t).want(t, "ann", cache.Load, "ann")
	require.NoError(t, w.client.Copy(t.Context(), w.key("user:42"), w.key("user:43"), 0, true).Err())
	require.NoError(t, w.client.Copy(t.Context(), w.key("user:42"), w.key("box:42"), 0, true).Err())
	one := w.instance(t)
	u, origin, err := one.users.Get(t.Context(), acme, "43", named("bob"))
	require.NoError(t, err)
	require.Equal(t, "bob", u.Name)
	require.Equal(t, cache.Load, origin)
	u, origin, err = one.boxes.Get(t.Context(), acme, "42", named("box"))
	require.NoError(t, err)
	require.Equal(t, "box", u.Name)
	require.Equal(t, cache.Load, origin)
	require.EqualValues(t, 1, one.rejected("seal"))
}

// Another owner's value is refused in each level, and when the load brings it (ASVS 8.4.1).
func TestCache_ForeignOwnersAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	one.want(t, "ann", cache.Load, "ann")
	for _, i := range []*instance{one, two} { // one has it in L1, two finds it in L2
		_, _, err := i.users.Get(t.Context(), other, "42", named("ann"))
		require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err))
		require.EqualValues(t, 1, i.rejected("owner"))
	}
	one.want(t, "ann", cache.L1, "new")

	// Who has no owner to name may have it: its value tells.
	u, origin, err := two.users.Get(t.Context(), tenant.ID{}, "42", named("new"))
	require.NoError(t, err)
	require.Equal(t, "ann", u.Name)
	require.Equal(t, cache.L2, origin)

	// Values that do not tell belong to the owner who was named, none included.
	for _, owner := range []tenant.ID{acme, other, {}} {
		u, origin, err := one.boxes.Get(t.Context(), owner, "7", named(owner.String()))
		require.NoError(t, err)
		require.Equal(t, owner.String(), u.Name)
		require.Equal(t, cache.Load, origin)
	}
}

// A server does not read what another version of it wrote in another form.
func TestCache_OtherShapesAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	old, renewed := w.instance(t), w.instance(t)
	before := cache.Of(old.Cache, cache.Kind[struct{ Admin bool }]{Name: "flag", L1: time.Minute, L2: time.Minute, Independent: true})
	after := cache.Of(renewed.Cache, cache.Kind[struct {
		Admin bool `json:"owner"`
	}]{Name: "flag", L1: time.Minute, L2: time.Minute, Independent: true})
	_, _, err := before.Get(t.Context(), acme, "1", func(context.Context) (v struct{ Admin bool }, err error) { return v, nil })
	require.NoError(t, err)
	_, origin, err := after.Get(t.Context(), acme, "1", func(context.Context) (v struct {
		Admin bool `json:"owner"`
	}, err error) {
		return v, nil
	})
	require.NoError(t, err)
	require.Equal(t, cache.Load, origin)
}

// An entry that was seen before an invalidation and is put back after it is refused.
func TestCache_ReplayedValuesAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := w.instance(t), w.instance(t)
	one.want(t, "administrator", cache.Load, "administrator")
	seen, err := w.client.Get(t.Context(), w.key("user:42")).Bytes()
	require.NoError(t, err)
	one.Forget(t.Context(), "user:42")
	two.await(t, 1)
	require.NoError(t, w.client.Set(t.Context(), w.key("user:42"), seen, time.Hour).Err())
	for _, i := range []*instance{one, two} {
		i.want(t, "viewer", cache.Load, "viewer")
		require.NoError(t, w.client.Set(t.Context(), w.key("user:42"), seen, time.Hour).Err())
		require.EqualValues(t, 1, i.rejected("invalidated"))
	}
}

// A clock that is wrong by more than is allowed for is found out by that of Redis.
func TestCache_SkewedClockDoesWithoutRedis(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.instance(t).want(t, "ann", cache.Load, "ann")
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		var h hand
		h.move(off)
		one := w.instance(t, h.use)
		one.want(t, "new", cache.Load, "new")
		require.EqualValues(t, 1, one.Stats().ClockSkewed)
	}
	w.instance(t).want(t, "ann", cache.L2, "not asked")
}

func TestSecret_IsNeverShown(t *testing.T) {
	t.Parallel()
	settings := cache.DefaultSettings()
	settings.Secret = cache.Secret("0123456789abcdef0123456789abcdef")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(format, settings), "0123456789abcdef")
		require.NotContains(t, fmt.Sprintf(format, settings.Secret), "0123456789abcdef")
	}
}
