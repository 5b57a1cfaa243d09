package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/jaeger"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/page"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/resource"
	"github.com/telemetryflow/telemetryflow/queryserver/mail"
	store "github.com/telemetryflow/telemetryflow/queryserver/postgres"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
	"github.com/telemetryflow/telemetryflow/queryserver/search"
)

// queryServer is everything that `telemetryflow queryserver` runs.
type queryServer struct {
	config  *queryServerConfig
	logger  *slog.Logger
	pool    *postgres.Pool
	store   *store.Store
	cache   *cache.Cache
	heard   *cache.Authority
	rows    *clickhouse.Store
	answers *cache.Telemetry // rows, remembered
	keys    *keyring
	engine  *promql.Service // over rows
	promql  *cache.PromQL   // engine, remembered
	ring    *jwt.Ring
	logins  *auth.Service
	http    *httpapi.Server
	meters  *metric.MeterProvider
	tracers *trace.TracerProvider
	stop    context.CancelFunc // ends the feed and the rotation of keys
	running sync.WaitGroup
}

const (
	feedInterval = 2 * time.Second // rule: a change is in force everywhere within 5 s
	feedTimeout  = 5 * time.Second
)

// newQueryServer makes the parts. Of what it has begun, nothing is left when it fails.
func newQueryServer(ctx context.Context, config *queryServerConfig, logger *slog.Logger) (s *queryServer, err error) {
	s = &queryServer{config: config, logger: logger}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.pool, err = postgres.Open(string(config.Postgres.URL), postgres.App); err != nil { //nolint:contextcheck // it opens no connection yet
		return s, fmt.Errorf("postgres: url: %w", err)
	}
	if err := s.checkSchema(ctx); err != nil {
		return s, err
	}
	s.store = store.New(s.pool)
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return s, fmt.Errorf("make the metrics: %w", err)
	}
	s.meters, s.tracers = metric.NewMeterProvider(metric.WithReader(reader)), trace.NewTracerProvider()
	options, err := redisOptions(string(config.Redis.URL))
	if err != nil {
		return s, err
	}
	s.cache, err = cache.New(config.Cache, options, logger, s.meters.Meter("telemetryflow/queryserver/cache"))
	if err != nil {
		return s, err
	}
	s.heard = cache.NewAuthority(s.cache, s.store)
	s.keys = newKeyring(s.pool, options, logger)
	if err := s.makeTelemetry(ctx); err != nil {
		return s, err
	}
	if err := s.makeLogins(ctx); err != nil {
		return s, err
	}
	pages, err := page.Routes(s.logins, s.logins, s.store, s.logins, httpapi.NewCookies(config.HTTP))
	if err != nil {
		return s, fmt.Errorf("read the pages: %w", err)
	}
	s.http, err = httpapi.New(config.HTTP, httpapi.Dependencies{ //nolint:contextcheck // requests have contexts of their own
		Version: programVersion, Logger: logger, Authenticator: authenticator{s.logins, s.keys}, Denied: s.denied,
		Checks:  map[string]func(context.Context) error{"postgres": s.checkSchema},
		Tracers: s.tracers, Meters: s.meters, Metrics: registry,
	}, slices.Concat(s.routes(), pages))
	return s, err
}

// checkSchema refuses a schema that the program does not know.
func (s *queryServer) checkSchema(ctx context.Context) error {
	version, ok, err := migrate.CheckPostgres(ctx, s.pool)
	if err != nil {
		return fmt.Errorf("check the schema of PostgreSQL: %w", err)
	}
	if !ok {
		return migrate.PostgresRange.Explain("PostgreSQL", version)
	}
	return nil
}

// redisOptions are nil without a URL.
func redisOptions(url string) (*redis.Options, error) {
	if url == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	options, err := redisurl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("redis: url: %w", err)
	}
	return options, nil
}

// makeTelemetry opens ClickHouse. One that is away at the start is awaited by the questions
// that need it; one with another schema is refused.
func (s *queryServer) makeTelemetry(ctx context.Context) (err error) {
	if s.rows, err = clickhouse.New(s.config.ClickHouse, s.logger); err != nil { //nolint:contextcheck // it opens no connection yet
		return fmt.Errorf("clickhouse: %w", err)
	}
	if err := s.rows.CheckSchema(ctx); errors.Is(err, clickhouse.ErrSchema) {
		return err
	} else if err != nil {
		s.logger.WarnContext(ctx, "ClickHouse cannot be reached; queries are refused until it can.", slog.Any("error", err))
	}
	s.answers = cache.NewTelemetry(s.cache, s.rows)
	if s.engine, err = promql.New(s.config.PromQL, s.rows, s.logger); err != nil {
		return fmt.Errorf("promql: %w", err)
	}
	s.promql = cache.NewPromQL(s.answers, s.engine)
	return nil
}

func (s *queryServer) makeLogins(ctx context.Context) error {
	hasher, err := password.NewHasher(s.config.Password)
	if err != nil {
		return err
	}
	policy, err := password.NewPolicy(s.config.Password)
	if err != nil {
		return err
	}
	sealer, err := seal.New(s.config.Secrets)
	if err != nil {
		return err
	}
	if s.ring, err = jwt.NewRing(ctx, s.store.SigningKeys(), sealer, s.config.Tokens, s.logger); err != nil {
		return err
	}
	mailer, err := mail.New(s.config.Mail, s.logger)
	if err != nil {
		return err
	}
	identities, err := newIdentityProviders(s.config.Outbound)
	if err != nil {
		return err
	}
	key, err := s.config.Secrets.Derive("accounts")
	if err != nil {
		return err
	}
	s.logins, err = auth.New(s.config.Login, auth.Dependencies{
		Store: s.store, Authority: s.heard, Changed: s.heard.Heard, Hasher: hasher, Policy: policy, Sealer: sealer, Tokens: jwt.New(s.ring),
		Mailer: mailer, Identities: identities, Resolver: auth.NewResolver(s.config.Login.DNSServer), AccountKey: key, Logger: s.logger,
	})
	return err
}

// routes are all routes of the API, each with its access.
func (s *queryServer) routes() []httpapi.Route {
	return slices.Concat(
		resource.Login(s.logins, httpapi.NewCookies(s.config.HTTP)),
		resource.SSORoutes(s.logins, httpapi.NewCookies(s.config.HTTP)),
		resource.IdentityRoutes(s.logins, httpapi.NewCookies(s.config.HTTP)),
		resource.ProviderRoutes(s.logins, s.store),
		resource.DomainRoutes(s.logins, s.store),
		resource.AccountRoutes(s.logins),
		resource.OrganizationRoutes(s.store),
		resource.UserRoutes(s.store),
		resource.UserAccessRoutes(s.store, s.logins),
		resource.InvitationRoutes(s.store, s.logins, httpapi.NewCookies(s.config.HTTP)),
		resource.RoleRoutes(s.store),
		resource.ServiceAccountRoutes(s.store, s.logins),
		resource.APIKeyRoutes(s.store, s.logins),
		resource.AuditRoutes(s.store),
		resource.TelemetryRoutes(s.answers),
		resource.MetricRoutes(s.answers),
		resource.LogRoutes(s.answers, search.Parse),
		resource.TraceRoutes(s.answers, search.Parse),
		jaeger.Routes(s.answers),
		resource.PrometheusRoutes(s.promql, promql.Version),
		resource.KeySet(func() any { return s.ring.KeySet() }, s.config.Tokens.Keys.PublishBefore/2), //nolint:mnd // a new key is seen before it is used
	)
}

// denied notes in the audit trail who asked for what he may not.
func (s *queryServer) denied(ctx context.Context, call queryserver.Call, route httpapi.Route) {
	err := s.store.Denied(context.WithoutCancel(ctx), &call, route.Method()+" "+route.Path(), route.Access().String())
	if err != nil {
		s.logger.ErrorContext(ctx, "An entry of the audit trail could not be written.", slog.Any("error", err))
	}
}

// start follows changes and serves.
func (s *queryServer) start(ctx context.Context) error {
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	feed := postgres.NewFeed(s.pool, postgres.FeedSettings{Interval: feedInterval, Timeout: feedTimeout, History: feedHistory}, changes{s})
	s.running.Go(func() { feed.Run(following) })
	s.running.Go(func() { s.ring.Run(following) })
	s.answers.Follow()
	return s.http.Start(ctx)
}

// close stops serving, then everything behind it.
func (s *queryServer) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // the end has begun, and the parts bound their own
	if s.http != nil {
		if err := s.http.Shutdown(ctx); err != nil {
			s.logger.WarnContext(ctx, "Requests were cut off.", slog.Any("error", err))
		}
	}
	if s.stop != nil {
		s.stop()
		s.running.Wait()
	}
	if s.logins != nil {
		s.logins.Close()
	}
	if s.keys != nil {
		s.keys.close(ctx)
	}
	if s.cache != nil {
		_ = s.cache.Close() // it holds nothing that is not elsewhere
	}
	if s.engine != nil {
		_ = s.engine.Close() // its only part that can fail is a query log, which it has not
	}
	if s.rows != nil {
		_ = s.rows.Close() // no query is under way any more
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// changes passes on what the change feed tells.
type changes struct{ *queryServer }

// Reset drops what was remembered.
func (c changes) Reset() {
	c.heard.Reset()
	c.keys.engine.Reset()
}

// Change drops what is out of date.
func (c changes) Change(change postgres.Change) {
	var organization tenant.ID
	if change.Organization != nil {
		organization = *change.Organization
	}
	c.heard.Heard(change.Kind, change.Subject, organization)
	c.keys.engine.Change(change)
}

// Caught says up to when every change was told; API keys are believed so far.
func (c changes) Caught(asOf time.Time) { c.keys.engine.Caught(asOf) }

// Lost drops what was remembered: while changes cannot be heard of, nobody knows whether
// it is still so. What is asked meanwhile is answered by PostgreSQL or not at all.
func (c changes) Lost(err error) {
	c.keys.engine.Lost(err)
	c.heard.Reset()
	c.logger.Warn("The change feed of PostgreSQL cannot be read; it is tried again.", slog.Any("error", err))
}
