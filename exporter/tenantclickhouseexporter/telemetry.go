package tenantclickhouseexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/metadata"
)

// Why items were given back.
const (
	reasonFull        = "full"        // no room to wait
	reasonLeft        = "left"        // the client did not wait for the answer
	reasonUnavailable = "unavailable" // no attempt left, or shutting down
	reasonInvalid     = "invalid"     // never to be stored
)

func reasonOf(err error) string {
	if consumererror.IsPermanent(err) {
		return reasonInvalid
	}
	return reasonUnavailable
}

// telemetry reports on one signal.
type telemetry struct {
	*metadata.TelemetryBuilder
	signal metric.MeasurementOption
	reason func(string) metric.MeasurementOption
}

func newTelemetry(settings component.TelemetrySettings, signal pipeline.Signal) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(settings)
	if err != nil {
		return nil, err
	}
	name := attribute.String("signal", signal.String())
	return &telemetry{
		TelemetryBuilder: builder,
		signal:           metric.WithAttributeSet(attribute.NewSet(name)),
		reason: func(reason string) metric.MeasurementOption {
			return metric.WithAttributeSet(attribute.NewSet(name, attribute.String("reason", reason)))
		},
	}, nil
}

func (t *telemetry) accepted(ctx context.Context, r *request) {
	t.AcceptedItems.Add(ctx, int64(r.items), t.signal)
	t.WaitingItems.Add(ctx, int64(r.items), t.signal)
	t.WaitingBytes.Add(ctx, int64(r.bytes), t.signal)
}

func (t *telemetry) finished(ctx context.Context, r *request) {
	t.WaitingItems.Add(ctx, -int64(r.items), t.signal)
	t.WaitingBytes.Add(ctx, -int64(r.bytes), t.signal)
}

func (t *telemetry) stored(ctx context.Context, items int) {
	t.StoredItems.Add(ctx, int64(items), t.signal)
}

func (t *telemetry) refused(ctx context.Context, items int, reason string) {
	t.RefusedItems.Add(ctx, int64(items), t.reason(reason))
}

func (t *telemetry) inserted(ctx context.Context, table string, rows int, took time.Duration, err error) {
	outcome := "stored"
	if err != nil {
		outcome = "failed"
	}
	attributes := metric.WithAttributeSet(attribute.NewSet(attribute.String("table", table), attribute.String("outcome", outcome)))
	t.Inserts.Add(ctx, 1, attributes)
	t.InsertDuration.Record(ctx, took.Seconds(), attributes)
	t.InsertRows.Record(ctx, int64(rows), attributes)
}
