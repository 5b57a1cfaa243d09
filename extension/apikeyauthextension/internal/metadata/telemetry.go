package metadata

import (
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// TelemetryBuilder holds the extension's own instruments.
type TelemetryBuilder struct {
	meter         metric.Meter
	mu            sync.Mutex
	registrations []metric.Registration

	APIKeyAuthDuration  metric.Float64Histogram
	APIKeyAuthDecisions metric.Int64ObservableCounter
	APIKeyAuthLookups   metric.Int64ObservableCounter
	APIKeyAuthArgon2    metric.Int64ObservableCounter
	APIKeyAuthLeases    metric.Int64ObservableCounter
	APIKeyAuthFeedLag   metric.Float64ObservableGauge
	APIKeyAuthKeys      metric.Int64ObservableGauge
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	b := &TelemetryBuilder{meter: settings.MeterProvider.Meter(ScopeName)}
	var errs [7]error
	b.APIKeyAuthDuration, errs[0] = b.meter.Float64Histogram("otelcol_api_key_auth_duration",
		metric.WithDescription("Time that Authenticate took."), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(1e-6, 2e-6, 5e-6, 1e-5, 5e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10))
	b.APIKeyAuthDecisions, errs[1] = b.meter.Int64ObservableCounter("otelcol_api_key_auth_decisions",
		metric.WithDescription("Calls of Authenticate by outcome."), metric.WithUnit("{call}"))
	b.APIKeyAuthLookups, errs[2] = b.meter.Int64ObservableCounter("otelcol_api_key_auth_lookups",
		metric.WithDescription("Look-ups of keys by the level that answered."), metric.WithUnit("{lookup}"))
	b.APIKeyAuthArgon2, errs[3] = b.meter.Int64ObservableCounter("otelcol_api_key_auth_argon2_runs",
		metric.WithDescription("Runs of Argon2id by verdict."), metric.WithUnit("{run}"))
	b.APIKeyAuthLeases, errs[4] = b.meter.Int64ObservableCounter("otelcol_api_key_auth_rate_limit_leases",
		metric.WithDescription("Round trips to Redis for rate limits, by result."), metric.WithUnit("{lease}"))
	b.APIKeyAuthFeedLag, errs[5] = b.meter.Float64ObservableGauge("otelcol_api_key_auth_feed_lag",
		metric.WithDescription("Age of the last successful reading of the change feed."), metric.WithUnit("s"))
	b.APIKeyAuthKeys, errs[6] = b.meter.Int64ObservableGauge("otelcol_api_key_auth_keys",
		metric.WithDescription("API keys held in memory."), metric.WithUnit("{key}"))
	return b, errors.Join(errs[:]...)
}

// Observe registers the callback of the observable instruments.
func (b *TelemetryBuilder) Observe(callback metric.Callback) error {
	registration, err := b.meter.RegisterCallback(callback, b.APIKeyAuthDecisions, b.APIKeyAuthLookups,
		b.APIKeyAuthArgon2, b.APIKeyAuthLeases, b.APIKeyAuthFeedLag, b.APIKeyAuthKeys)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.registrations = append(b.registrations, registration)
	return nil
}

// Shutdown ends the callbacks.
func (b *TelemetryBuilder) Shutdown() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, registration := range b.registrations {
		errs = append(errs, registration.Unregister())
	}
	b.registrations = nil
	return errors.Join(errs...)
}
