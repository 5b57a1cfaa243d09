package verify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// promised is the time within which a change must reach a running collector.
	promised = 5 * time.Second
	// patience is how long a test waits for what has no such promise: machines
	// that run tests are slow at times.
	patience = 3 * time.Minute
)

// collector is an engine that follows the feed, as the extension makes it.
type collector struct {
	*verify.Engine
	redis *redis.Client // nil: none
}

// collect starts a collector on a PostgreSQL and, unless its URL is "", a Redis,
// and waits until it has caught up.
func collect(t *testing.T, postgresURL, redisURL string, change ...func(*verify.Settings)) *collector {
	t.Helper()
	settings := verify.Settings{
		L1TTL: time.Minute, NegativeTTL: 30 * time.Second, MaxStale: 15 * time.Minute, MaxKeys: 10_000, MaxNegative: 1000,
		MaxLookups: 64, MaxVerifications: 1, VerifyTimeout: patience, RefusalTime: time.Millisecond,
	}
	for _, c := range change {
		c(&settings)
	}
	pool, err := postgres.Open(postgresURL, postgres.Ingest)
	require.NoError(t, err)
	c := &collector{}
	lessor, cache := limit.NewLessor(nil, time.Second), (*keystore.Redis)(nil)
	if redisURL != "" {
		options, err := redis.ParseURL(redisURL)
		require.NoError(t, err)
		options.MaxRetries = -1
		c.redis = redis.NewClient(options)
		cache = keystore.NewRedis(c.redis, 5*time.Minute)
	}
	c.Engine = verify.New(settings, keystore.NewPostgres(pool, time.Minute), cache, lessor, zap.NewNop())
	c.Start()
	feed := postgres.NewFeed(pool, postgres.FeedSettings{Interval: 2 * time.Second, Timeout: time.Minute, History: time.Hour}, c.Engine)
	following, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); feed.Run(following) }()
	t.Cleanup(func() {
		stop()
		<-done
		c.Close(context.Background())
		lessor.Close()
		if c.redis != nil {
			_ = c.redis.Close()
		}
		pool.Close()
	})
	require.Eventually(t, func() bool { return !c.CaughtUp().IsZero() }, patience, 5*time.Millisecond)
	return c
}

// judge verifies a credential as if now were so much later.
func (c *collector) judge(credential apikey.Credential, later time.Duration) error {
	_, err := c.Verify(context.Background(), credential, time.Now().Add(later))
	return err
}

func (c *collector) good(t *testing.T, credential apikey.Credential, message ...any) {
	t.Helper()
	require.NoError(t, c.judge(credential, 0), message...)
}

func (c *collector) refused(t *testing.T, credential apikey.Credential, message ...any) {
	t.Helper()
	require.Equal(t, apikey.ErrUnauthenticated, c.judge(credential, 0), message...)
}

// within waits until the credential is answered so, and wants it in time.
func (c *collector) within(t *testing.T, limit time.Duration, credential apikey.Credential, want error, message ...any) {
	t.Helper()
	began := time.Now()
	require.Eventually(t, func() bool { return errors.Is(c.judge(credential, 0), want) }, patience, 5*time.Millisecond, message...)
	require.Less(t, time.Since(began), limit, message...)
}

// settled makes every change so far old, as if the keys had been made yesterday.
func settled(t *testing.T, w *apikeytest.World) {
	t.Helper()
	w.Exec(t, "UPDATE change_feed SET at = now() - interval '2 hours'")
}
