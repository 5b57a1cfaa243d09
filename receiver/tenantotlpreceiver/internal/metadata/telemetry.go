package metadata

import (
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// TelemetryBuilder holds the receiver's own instruments.
type TelemetryBuilder struct {
	AcceptedItems   metric.Int64Counter
	NotDurableItems metric.Int64Counter
	RefusedRequests metric.Int64Counter
	Duration        metric.Float64Histogram
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	var b TelemetryBuilder
	var errs [4]error
	b.AcceptedItems, errs[0] = meter.Int64Counter("otelcol_receiver_tenant_otlp_accepted_items",
		metric.WithDescription("Items that were acknowledged to clients."), metric.WithUnit("{items}"))
	b.NotDurableItems, errs[1] = meter.Int64Counter("otelcol_receiver_tenant_otlp_not_durable_items",
		metric.WithDescription("Acknowledged items that no component says it has stored."), metric.WithUnit("{items}"))
	b.RefusedRequests, errs[2] = meter.Int64Counter("otelcol_receiver_tenant_otlp_refused_requests",
		metric.WithDescription("Requests that were not answered with success, by reason."), metric.WithUnit("{requests}"))
	b.Duration, errs[3] = meter.Float64Histogram("otelcol_receiver_tenant_otlp_duration",
		metric.WithDescription("Time from a request's headers to its answer."), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
	return &b, errors.Join(errs[:]...)
}
