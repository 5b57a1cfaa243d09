package apikeyauthextension

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServer_LifeCycle(t *testing.T) {
	t.Parallel()
	settings := componenttest.NewNopTelemetrySettings()
	config := func(postgres, redis string) *ServerConfig {
		c := createDefaultConfig().(*Config).Server.GetOrInsertDefault()
		c.Postgres.URL, c.Redis.URL = configopaque.String(postgres), configopaque.String(redis)
		return c
	}
	t.Run("OK stopped twice, without any store", func(t *testing.T) {
		t.Parallel()
		s := newServer(settings, config("postgres://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0"))
		require.Equal(t, codes.Unavailable, judge(s, apikey.NewCredential()), "before the start")
		require.NoError(t, s.Start(t.Context(), componenttest.NewNopHost()))
		require.Equal(t, codes.Unavailable, judge(s, apikey.NewCredential()))
		require.NoError(t, s.Shutdown(context.Background()))
		require.NoError(t, s.Shutdown(context.Background()))
		require.Equal(t, codes.Unavailable, judge(s, apikey.NewCredential()), "after the end")
	})
	t.Run("OK never started", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, newServer(settings, config("", "")).Shutdown(context.Background()))
	})
	t.Run("ErrStart leaves nothing", func(t *testing.T) { // goleak judges the rest
		t.Parallel()
		s := newServer(settings, config("postgres://nobody@127.0.0.1:1/none", "http://:hunter2@127.0.0.1"))
		err := s.Start(t.Context(), componenttest.NewNopHost())
		require.ErrorContains(t, err, "redis::url")
		require.NotContains(t, err.Error(), "hunter2")
	})
}

// What Redis says is believed only if a collector has sealed it, for that very
// key, a short time ago.
func TestServer_PoisonedRedis(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	b := setup(t, server.URL)
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	entry := func(id apikey.ID) string { return "apikey:" + id.String() }

	good, narrow := b.wide(t), b.Key(t)
	require.Equal(t, codes.OK, judge(b.extension, good))
	require.Eventually(t, func() bool { return client.Exists(t.Context(), entry(good.ID)).Val() == 1 }, soon, time.Millisecond)
	held := client.HGetAll(t.Context(), entry(good.ID)).Val()
	require.NotContains(t, held["record"], "argon2id", "entries are sealed")

	// Another key's entry, garbage, and a position that no fill could exceed.
	for _, poison := range []map[string]any{
		{"position": held["position"], "record": held["record"]},
		{"position": "9007199254740991", "record": "garbage"},
		{"record": ""},
	} {
		require.NoError(t, client.Del(t.Context(), entry(narrow.ID)).Err())
		require.NoError(t, client.HSet(t.Context(), entry(narrow.ID), poison).Err())
		other := start(t, b.IngestURL, server.URL)
		require.Eventually(t, func() bool { return other.engine.CaughtUp().Unix() > 0 }, soon, time.Millisecond)
		other.engine.Stats.RedisHits.Store(0)
		require.Equal(t, codes.OK, judge(other, narrow))
		require.Zero(t, other.engine.Stats.RedisHits.Load())
	}
	// A revoked key's old entry is put back: a new collector does not fall for it.
	_, err = b.Admin.Revoke(t.Context(), good.ID)
	require.NoError(t, err)
	requireSoon(t, b.extension, good, codes.Unauthenticated)
	require.NoError(t, client.Del(t.Context(), entry(good.ID)).Err())
	require.NoError(t, client.HSet(t.Context(), entry(good.ID), held).Err())
	other := start(t, b.IngestURL, server.URL)
	require.Equal(t, codes.Unauthenticated, judge(other, good))
	requireSoon(t, other, good, codes.Unauthenticated)

	require.NoError(t, client.FlushAll(t.Context()).Err())
	require.Equal(t, codes.OK, judge(b.extension, narrow), "a flush costs look-ups, nothing else")
	require.Equal(t, codes.Unauthenticated, judge(b.extension, good))
}

// A second collector takes a key from Redis; concurrent first calls share one
// verification; the own metrics tell it.
func TestServer_RedisHit(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	b := setup(t, server.URL)
	credential := b.Key(t)
	// The key is fresh in the feed, so that Redis is passed over for it: age it.
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	config := createDefaultConfig().(*Config).Server.GetOrInsertDefault()
	config.Postgres.URL, config.Redis.URL = configopaque.String(b.IngestURL), configopaque.String(server.URL)
	conn, err := pgx.Connect(t.Context(), b.AdminURL)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "UPDATE change_feed SET at = now() - interval '2 hours'")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	first := start(t, b.IngestURL, server.URL)
	require.Eventually(t, func() bool { return first.engine.CaughtUp().Unix() > 0 }, soon, time.Millisecond)
	require.Equal(t, codes.OK, judge(first, credential))

	second := newServer(telemetry.NewTelemetrySettings(), config)
	require.NoError(t, second.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, second.Shutdown(context.Background())) })
	require.Eventually(t, func() bool { return second.engine.CaughtUp().Unix() > 0 }, soon, time.Millisecond)
	answers := make(chan codes.Code)
	for range 50 {
		go func() { answers <- judge(second, credential) }()
	}
	for range 50 {
		require.Equal(t, codes.OK, <-answers)
	}
	stats := &second.engine.Stats
	require.Equal(t, int64(1), stats.Argon2Right.Load())
	require.Equal(t, int64(1), stats.RedisHits.Load()+stats.PostgresReads.Load())

	decisions, err := telemetry.GetMetric("otelcol_api_key_auth_decisions")
	require.NoError(t, err)
	total := int64(0)
	for _, point := range decisions.Data.(metricdata.Sum[int64]).DataPoints {
		if outcome, _ := point.Attributes.Value("outcome"); outcome.AsString() == "accepted" {
			total = point.Value
		}
	}
	require.Equal(t, int64(50), total)
}

// Items and bytes are limited by Spend, and uses are recorded at the end.
func TestServer_SpendAndUse(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	_, credential, err := b.Admin.Create(t.Context(), keyadmin.NewKey{Name: "items", Kind: keyadmin.Tenant, Binding: b.Tenant,
		Permissions: []tenant.Permission{tenant.TracesWrite}, Limits: keyadmin.Limits{ItemsPerSecond: 100, BytesPerSecond: 1_000_000}})
	require.NoError(t, err)
	ctx, err := b.extension.Authenticate(t.Context(), headers(credential))
	require.NoError(t, err)
	_, limited := apikey.RateLimitFromContext(ctx)
	require.False(t, limited, "no request limit")
	require.NoError(t, apikey.Spend(ctx, 30_000, 10), "larger than the limit, but something was left")
	require.Error(t, apikey.Spend(ctx, 1, 10), "the debt is paid first")
	require.NoError(t, apikey.Spend(ctx, 0, 10))

	require.NoError(t, b.extension.Shutdown(context.Background()))
	listed, err := b.Admin.List(t.Context(), keyadmin.Filter{Kind: keyadmin.Tenant, Binding: b.Tenant})
	require.NoError(t, err)
	require.NotNil(t, listed[0].LastUsedAt)
	require.WithinDuration(t, time.Now(), *listed[0].LastUsedAt, 2*time.Minute)
}

// Keys are used, changed and refused at once, for the race detector.
func TestServer_Parallel(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	stable, turning := b.limited(t, 1_000_000), b.Key(t)
	require.Equal(t, codes.OK, judge(b.extension, stable))
	var stop atomic.Bool
	results := make(chan bool)
	for range 4 {
		go func() {
			ok := true
			for !stop.Load() {
				ok = ok && judge(b.extension, stable) == codes.OK
				_ = judge(b.extension, turning)
				_ = judge(b.extension, apikey.Credential{ID: stable.ID, Secret: turning.Secret})
				_ = judge(b.extension, apikey.NewCredential())
			}
			results <- ok
		}()
	}
	for range 5 {
		_, next, err := b.Admin.Rotate(t.Context(), turning.ID, time.Minute)
		require.NoError(t, err)
		requireSoon(t, b.extension, next, codes.OK)
	}
	stop.Store(true)
	for range 4 {
		require.True(t, <-results, "changes and bad credentials never hurt another key")
	}
}
