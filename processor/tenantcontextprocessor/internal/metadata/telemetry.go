package metadata

import (
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// TelemetryBuilder holds the processor's own instruments.
type TelemetryBuilder struct {
	RejectedItems   metric.Int64Counter
	RefusedRequests metric.Int64Counter
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	var b TelemetryBuilder
	var errs [2]error
	b.RejectedItems, errs[0] = meter.Int64Counter("otelcol_processor_tenant_context_rejected_items",
		metric.WithDescription("Items that were removed and reported in partial_success, by reason."), metric.WithUnit("{items}"))
	b.RefusedRequests, errs[1] = meter.Int64Counter("otelcol_processor_tenant_context_refused_requests",
		metric.WithDescription("Requests that were refused whole, by gRPC code."), metric.WithUnit("{requests}"))
	return &b, errors.Join(errs[:]...)
}
