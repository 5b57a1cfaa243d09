package tenantotlpreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

// instruments are the receiver's own metrics with their attributes.
type instruments struct{ builder *metadata.TelemetryBuilder }

func newInstruments(set component.TelemetrySettings) (*instruments, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	return &instruments{builder}, err
}

// accepted counts items that were acknowledged.
func (i *instruments) accepted(ctx context.Context, transport string, s *signal, items int) {
	i.builder.AcceptedItems.Add(ctx, int64(items), metric.WithAttributeSet(origin(transport, s)))
}

// notDurable counts acknowledged items that nobody says to have stored.
func (i *instruments) notDurable(ctx context.Context, transport string, s *signal, items int) {
	i.builder.NotDurableItems.Add(ctx, int64(items), metric.WithAttributeSet(origin(transport, s)))
}

// answered counts a refusal by its reason and records the latency. The signal is
// nil for a path that names none.
func (i *instruments) answered(ctx context.Context, transport string, s *signal, start time.Time, refused *refusal) {
	of := origin(transport, s)
	i.builder.Duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributeSet(of))
	if refused != nil {
		i.builder.RefusedRequests.Add(ctx, 1, metric.WithAttributeSet(of),
			metric.WithAttributes(attribute.String("reason", refused.reason)))
	}
}

func origin(transport string, s *signal) attribute.Set {
	name := "none"
	if s != nil {
		name = s.name.String()
	}
	return attribute.NewSet(attribute.String("transport", transport), attribute.String("signal", name))
}
