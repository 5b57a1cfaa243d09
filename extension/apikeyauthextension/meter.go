package apikeyauthextension

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/extension/apikeyauthextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
)

// meter counts decisions in plain atomics, which are read when metrics are
// collected: a counter of the SDK would cost more than the whole decision.
type meter struct {
	builder   *metadata.TelemetryBuilder
	engine    *verify.Engine
	lessor    *limit.Lessor
	decisions [5]atomic.Int64 // in the order of outcomes
}

var outcomes = [...]struct {
	name string
	code codes.Code
}{
	{"accepted", codes.OK},
	{"unauthenticated", codes.Unauthenticated},
	{"rate_limited", codes.ResourceExhausted},
	{"unavailable", codes.Unavailable},
	{"invalid_argument", codes.InvalidArgument},
}

func newMeter(settings component.TelemetrySettings, engine *verify.Engine, lessor *limit.Lessor) (*meter, error) {
	builder, err := metadata.NewTelemetryBuilder(settings)
	if err != nil {
		return nil, err
	}
	m := &meter{builder: builder, engine: engine, lessor: lessor}
	return m, builder.Observe(m.observe)
}

func (m *meter) shutdown() error { return m.builder.Shutdown() }

func (m *meter) record(ctx context.Context, err error, took time.Duration) {
	m.builder.APIKeyAuthDuration.Record(ctx, took.Seconds())
	if err == nil {
		m.decisions[0].Add(1)
		return
	}
	code := status.Code(err)
	for i, outcome := range outcomes {
		if outcome.code == code {
			m.decisions[i].Add(1)
		}
	}
}

func (m *meter) observe(_ context.Context, observer metric.Observer) error {
	observe := func(counter metric.Int64Observable, key, value string, n int64) {
		observer.ObserveInt64(counter, n, metric.WithAttributes(attribute.String(key, value)))
	}
	for i, outcome := range outcomes {
		observe(m.builder.APIKeyAuthDecisions, "outcome", outcome.name, m.decisions[i].Load())
	}
	stats := &m.engine.Stats
	observe(m.builder.APIKeyAuthLookups, "level", "l1", stats.L1Hits.Load())
	observe(m.builder.APIKeyAuthLookups, "level", "redis", stats.RedisHits.Load())
	observe(m.builder.APIKeyAuthLookups, "level", "postgres", stats.PostgresReads.Load())
	observe(m.builder.APIKeyAuthLookups, "level", "negative", stats.NegativeHits.Load())
	observe(m.builder.APIKeyAuthArgon2, "verdict", "right", stats.Argon2Right.Load())
	observe(m.builder.APIKeyAuthArgon2, "verdict", "wrong", stats.Argon2Wrong.Load())
	asked, failed := m.lessor.Leases()
	observe(m.builder.APIKeyAuthLeases, "result", "ok", asked-failed)
	observe(m.builder.APIKeyAuthLeases, "result", "failed", failed)
	observer.ObserveInt64(m.builder.APIKeyAuthKeys, int64(m.engine.KeyCount()))
	if caught := m.engine.CaughtUp(); !caught.IsZero() {
		observer.ObserveFloat64(m.builder.APIKeyAuthFeedLag, time.Since(caught).Seconds())
	}
	return nil
}
