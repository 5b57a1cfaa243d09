package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	scopeName = "github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension"
	prefix    = "otelcol_extension_write_ahead_log_"
)

// TelemetryBuilder holds the extension's instruments.
type TelemetryBuilder struct {
	publications metric.Int64Counter
	recalls      metric.Int64Counter
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	meter := settings.MeterProvider.Meter(scopeName)
	publications, err1 := meter.Int64Counter(prefix+"publications",
		metric.WithDescription("Publications of what became of requests to PostgreSQL, by outcome."), metric.WithUnit("{publications}"))
	recalls, err2 := meter.Int64Counter(prefix+"recalls",
		metric.WithDescription("Look-ups in Redis whether another collector has answered a request, by outcome."), metric.WithUnit("{lookups}"))
	return &TelemetryBuilder{publications, recalls}, errors.Join(err1, err2)
}

// Published counts a publication.
func (b *TelemetryBuilder) Published(ctx context.Context, err error) {
	b.publications.Add(ctx, 1, outcome(err, "published", "failed"))
}

// Recalled counts a look-up.
func (b *TelemetryBuilder) Recalled(ctx context.Context, err error) {
	b.recalls.Add(ctx, 1, outcome(err, "answered", "skipped"))
}

func outcome(err error, good, bad string) metric.MeasurementOption {
	of := good
	if err != nil {
		of = bad
	}
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("outcome", of)))
}
