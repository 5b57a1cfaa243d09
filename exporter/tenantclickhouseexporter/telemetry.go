package tenantclickhouseexporter

import (
	"context"
	"errors"
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
	reasonFull        = "full"        // no room to wait, in memory or in the log
	reasonShare       = "share"       // the tenant has its share of the log
	reasonLeft        = "left"        // the client did not wait for the answer
	reasonUnavailable = "unavailable" // no attempt left, or shutting down
	reasonInvalid     = "invalid"     // never to be stored
)

func reasonOf(err error) string {
	var known *refusal
	switch {
	case errors.As(err, &known):
		return known.reason
	case consumererror.IsPermanent(err):
		return reasonInvalid
	default:
		return reasonUnavailable
	}
}

// telemetry reports on one signal.
type telemetry struct {
	*metadata.TelemetryBuilder
	name     string // of the signal
	signal   metric.MeasurementOption
	reason   func(string) metric.MeasurementOption
	observed metric.Registration // nil: nothing is
}

func newTelemetry(settings component.TelemetrySettings, signal pipeline.Signal) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(settings)
	if err != nil {
		return nil, err
	}
	name := attribute.String("signal", signal.String())
	return &telemetry{
		TelemetryBuilder: builder,
		name:             signal.String(),
		signal:           metric.WithAttributeSet(attribute.NewSet(name)),
		reason: func(reason string) metric.MeasurementOption {
			return metric.WithAttributeSet(attribute.NewSet(name, attribute.String("reason", reason)))
		},
	}, nil
}

func (t *telemetry) arrived(ctx context.Context, items, bytes int) {
	t.WaitingItems.Add(ctx, int64(items), t.signal)
	t.WaitingBytes.Add(ctx, int64(bytes), t.signal)
}

func (t *telemetry) left(ctx context.Context, items, bytes int) {
	t.WaitingItems.Add(ctx, -int64(items), t.signal)
	t.WaitingBytes.Add(ctx, -int64(bytes), t.signal)
}

func (t *telemetry) accepted(ctx context.Context, items int) {
	t.AcceptedItems.Add(ctx, int64(items), t.signal)
}

func (t *telemetry) stored(ctx context.Context, items int) {
	t.StoredItems.Add(ctx, int64(items), t.signal)
}

func (t *telemetry) refused(ctx context.Context, items int, reason string) {
	t.RefusedItems.Add(ctx, int64(items), t.reason(reason))
}

func (t *telemetry) lost(ctx context.Context, items int) {
	t.LostItems.Add(ctx, int64(items), t.signal)
}

func (t *telemetry) dead(ctx context.Context, table string, rows int) {
	t.DeadRows.Add(ctx, int64(rows), ofTable(table))
}

func (t *telemetry) revived(ctx context.Context, table string, rows int) {
	t.ReplayedRows.Add(ctx, int64(rows), ofTable(table))
}

func (t *telemetry) expired(ctx context.Context, table string, rows int) {
	t.ExpiredRows.Add(ctx, int64(rows), ofTable(table))
}

func ofTable(table string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("table", table)))
}

func (t *telemetry) hinted(ctx context.Context, hints int, err error) {
	outcome := "published"
	if err != nil {
		outcome = "skipped"
	}
	t.Hints.Add(ctx, int64(hints), metric.WithAttributeSet(attribute.NewSet(
		attribute.String("signal", t.name), attribute.String("outcome", outcome))))
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
