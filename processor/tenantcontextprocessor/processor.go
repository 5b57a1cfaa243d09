package tenantcontextprocessor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/processor/tenantcontextprocessor/internal/metadata"
)

// tenantProcessor serves one signal.
type tenantProcessor struct {
	signal     pipeline.Signal
	permission tenant.Permission
	past       time.Duration
	future     time.Duration
	now        func() time.Time
	telemetry  *metadata.TelemetryBuilder
}

func newProcessor(
	set component.TelemetrySettings, signal pipeline.Signal, permission tenant.Permission, past, future time.Duration,
) (*tenantProcessor, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set)
	return &tenantProcessor{
		signal: signal, permission: permission, past: past, future: future, now: time.Now, telemetry: telemetry,
	}, err
}

// verdict judges the parts of one request and counts what it rejects.
type verdict struct {
	binding
	window
	rejected [reasons]int
	err      error // refuses the request as a whole
}

// begin judges the request as a whole.
func (p *tenantProcessor) begin(ctx context.Context) (*verdict, error) {
	b, err := bind(ctx, p.permission)
	if err != nil {
		return nil, p.refused(ctx, err)
	}
	return &verdict{binding: b, window: newWindow(p.now(), p.past, p.future)}, nil
}

// finish reports what was rejected. It skips the rest of the pipeline when
// nothing is left.
func (p *tenantProcessor) finish(ctx context.Context, v *verdict, left int) error {
	if v.err != nil {
		return p.refused(ctx, v.err)
	}
	for why, n := range v.rejected {
		if n == 0 {
			continue
		}
		receipt.FromContext(ctx).Reject(p.signal, n, reason(why).message())
		p.telemetry.RejectedItems.Add(ctx, int64(n), metric.WithAttributes(
			attribute.String("signal", p.signal.String()), attribute.String("reason", reason(why).label())))
	}
	if left == 0 {
		return processorhelper.ErrSkipProcessingData
	}
	return nil
}

// refused counts a refusal by its gRPC code.
func (p *tenantProcessor) refused(ctx context.Context, err error) error {
	var carrier interface{ GRPCStatus() *status.Status }
	if errors.As(err, &carrier) {
		p.telemetry.RefusedRequests.Add(ctx, 1, metric.WithAttributes(
			attribute.String("signal", p.signal.String()),
			attribute.String("reason", carrier.GRPCStatus().Code().String())))
	}
	return err
}
