package verify_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// While PostgreSQL cannot be reached, a known key works for MaxStale, and then is
// answered so that the client tries again.
func TestEngine_MaxStale(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	known, unknown := apikey.NewCredential(), apikey.NewCredential()
	w.Store(t, known, unknown)
	gate := apikeytest.NewGate(t, w.IngestURL)
	c := collect(t, gate.URL, "")
	c.good(t, known)
	gate.Close()
	c.good(t, known)
	c.refused(t, apikeytest.Wrong(known))
	require.Equal(t, apikey.ErrUnavailable, c.judge(unknown, 0), "never 401: nobody knows")
	require.NoError(t, c.judge(known, 14*time.Minute))
	require.Equal(t, apikey.ErrUnavailable, c.judge(known, 16*time.Minute))
	require.Equal(t, apikey.ErrUnavailable, c.judge(apikeytest.Wrong(known), 16*time.Minute))
	gate.Open()
	c.within(t, patience, unknown, nil)
	c.good(t, known)
}

// The same by the clock: the limit is neither passed over nor cut short.
func TestEngine_MaxStaleRuns(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	credential := apikey.NewCredential()
	w.Store(t, credential)
	gate := apikeytest.NewGate(t, w.IngestURL)
	const limit = 8 * time.Second
	c := collect(t, gate.URL, "", func(s *verify.Settings) { s.MaxStale = limit })
	c.good(t, credential)
	gate.Close()
	for c.judge(credential, 0) == nil {
		require.Less(t, time.Since(c.CaughtUp()), limit+patience)
	}
	require.Equal(t, apikey.ErrUnavailable, c.judge(credential, 0))
	require.GreaterOrEqual(t, time.Since(c.CaughtUp()), limit)
	gate.Open()
	c.within(t, patience, credential, nil)
}

// With Redis in the place of PostgreSQL, what a collector has put there holds.
func TestEngine_RedisWithoutPostgres(t *testing.T) {
	t.Parallel()
	w, redis := apikeytest.NewWorld(t), testkit.Redis(t)
	credential, never := apikey.NewCredential(), apikey.NewCredential()
	w.Store(t, credential, never)
	settled(t, w)
	collect(t, w.IngestURL, redis.URL).good(t, credential)
	gate := apikeytest.NewGate(t, w.IngestURL)
	c := collect(t, gate.URL, redis.URL)
	gate.Close()
	c.within(t, patience, credential, nil)
	require.Positive(t, c.Stats.RedisHits.Load())
	require.Equal(t, apikey.ErrUnavailable, c.judge(never, 0))
}

// Losing Redis, or all it holds, costs look-ups and nothing else.
func TestEngine_RedisLost(t *testing.T) {
	t.Parallel()
	w, redis := apikeytest.NewWorld(t), testkit.Redis(t)
	keys := []apikey.Credential{apikey.NewCredential(), apikey.NewCredential(), apikey.NewCredential()}
	w.Store(t, keys...)
	settled(t, w)
	c := collect(t, w.IngestURL, redis.URL)
	c.good(t, keys[0])
	require.Eventually(t, func() bool { return c.redis.DBSize(t.Context()).Val() == 1 }, patience, time.Millisecond)
	require.NoError(t, c.redis.FlushAll(t.Context()).Err())
	c.good(t, keys[0])
	collect(t, w.IngestURL, redis.URL).good(t, keys[0], "flushed")
	redis.Stop()
	c.good(t, keys[1], "down")
	c.refused(t, apikeytest.Wrong(keys[1]))
	_, err := w.Admin.Revoke(t.Context(), keys[0].ID)
	require.NoError(t, err)
	c.within(t, promised, keys[0], apikey.ErrUnauthenticated, "Redis has no part in a revocation")
	redis.Start(t)
	c.good(t, keys[2], "back, and empty")
}
