package apikeyauthextension

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

var (
	_ extension.Extension  = (*serverExtension)(nil)
	_ extensionauth.Server = (*serverExtension)(nil)
)

// feedHistory is how far back the change feed is read at the start, so that
// entries which other collectors put into Redis before a change are not believed.
const feedHistory = time.Hour

// refusalTime is how long any refusal of a well-formed credential takes: more
// than Argon2 (22 ms on an idle machine of 2 cores) and a short wait for its turn.
const refusalTime = 100 * time.Millisecond

// serverExtension authenticates incoming calls.
type serverExtension struct {
	settings component.TelemetrySettings
	config   *ServerConfig

	engine *verify.Engine
	lessor *limit.Lessor
	pool   *postgres.Pool
	redis  redis.UniversalClient
	meter  *meter

	stopFeed context.CancelFunc
	feed     sync.WaitGroup
	stopped  bool
}

func newServer(settings component.TelemetrySettings, config *ServerConfig) *serverExtension {
	return &serverExtension{settings: settings, config: config}
}

// Start opens the stores and follows the change feed. It does not wait for
// PostgreSQL or Redis: until they answer, keys are answered Unavailable.
func (s *serverExtension) Start(ctx context.Context, _ component.Host) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Shutdown(ctx))
		}
	}()
	c := s.config
	s.pool, err = postgres.Open(string(c.Postgres.URL), postgres.Ingest, //nolint:contextcheck // it opens no connection yet
		postgres.MaxConns(c.Postgres.MaxConnections), postgres.ConnectTimeout(c.Postgres.Timeout))
	if err != nil {
		return fmt.Errorf("`server::postgres::url`: %w", err)
	}
	cache, err := s.openRedis()
	if err != nil {
		return err
	}
	s.engine = verify.New(verify.Settings{
		L1TTL: c.Cache.L1TTL, NegativeTTL: c.Cache.NegativeTTL, MaxStale: c.Cache.MaxStale,
		MaxKeys: c.Cache.MaxKeys, MaxNegative: c.Cache.MaxNegative, MaxLookups: c.Verification.MaxLookups,
		MaxVerifications: c.Verification.MaxConcurrent, VerifyTimeout: c.Verification.Timeout,
		RefusalTime: refusalTime,
	}, keystore.NewPostgres(s.pool, c.Postgres.Timeout), cache, s.lessor, s.settings.Logger)
	if s.meter, err = newMeter(s.settings, s.engine, s.lessor); err != nil {
		return fmt.Errorf("make the metrics: %w", err)
	}
	feed := postgres.NewFeed(s.pool, postgres.FeedSettings{
		Interval: c.Feed.PollInterval, Timeout: c.Postgres.Timeout, History: feedHistory,
	}, s.engine)
	s.engine.Start()
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopFeed = stop
	s.feed.Go(func() { feed.Run(following) })
	return nil
}

func (s *serverExtension) openRedis() (*keystore.Redis, error) {
	if s.config.Redis.URL == "" {
		s.lessor = limit.NewLessor(nil, s.config.Redis.Timeout)
		return nil, nil
	}
	options, err := redisurl.Parse(string(s.config.Redis.URL))
	if err != nil {
		return nil, fmt.Errorf("`server::redis::url`: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = s.config.Redis.Timeout, s.config.Redis.Timeout, s.config.Redis.Timeout
	options.MaxRetries = -1 // a limit or a look-up has a better answer than a repeat: the next level
	options.ContextTimeoutEnabled = true
	redisClient := redis.NewClient(options)
	s.redis = redisClient
	s.lessor = limit.NewLessor(redisClient, s.config.Redis.Timeout)
	return keystore.NewRedis(redisClient, s.config.Cache.RedisTTL), nil
}

// Shutdown ends everything that Start began, and may be called again. What it
// closes stays in place, for a call that comes late: it is answered Unavailable
// unless its key is known.
func (s *serverExtension) Shutdown(ctx context.Context) error {
	if s.stopped {
		return nil
	}
	s.stopped = true
	var errs []error
	if s.stopFeed != nil {
		s.stopFeed()
		s.feed.Wait()
	}
	if s.engine != nil {
		s.engine.Close(ctx)
	}
	if s.lessor != nil {
		s.lessor.Close()
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Close())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.meter != nil {
		errs = append(errs, s.meter.shutdown())
	}
	return errors.Join(errs...)
}

// Authenticate judges the credential of a call. On success the context carries a
// *tenant.Auth in client.Info and the key's limits for package apikey; every
// error is a gRPC status.
func (s *serverExtension) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	if s.engine == nil {
		return ctx, apikey.ErrUnavailable // before Start
	}
	started := time.Now()
	next, err := s.authenticate(ctx, sources, started)
	s.meter.record(ctx, err, time.Since(started))
	return next, err
}

func (s *serverExtension) authenticate(ctx context.Context, sources map[string][]string, now time.Time) (context.Context, error) {
	headers := apikey.ReadHeaders(sources)
	credential, err := headers.Credential()
	if err != nil {
		return ctx, err
	}
	verified, err := s.engine.Verify(ctx, credential, now)
	if err != nil {
		return ctx, err
	}
	call := &apikey.Call{}
	if call.Limit, err = verified.Limits.Request(ctx, now); err != nil {
		return ctx, err
	}
	if verified.Limits.HasBudget() {
		call.Budget = verified.Limits
	}
	choice, err := headers.Choice()
	if err != nil {
		return ctx, err
	}
	info := client.FromContext(ctx)
	info.Auth = &tenant.Auth{Principal: verified.Principal, Choice: choice}
	return apikey.NewContext(client.NewContext(ctx, info), call), nil
}
