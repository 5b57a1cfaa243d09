package tenantcontextprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/processor/tenantcontextprocessor/internal/metadata"
)

// NewFactory makes the processor's factory.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
		processor.WithMetrics(createMetrics, metadata.MetricsStability),
		processor.WithLogs(createLogs, metadata.LogsStability),
	)
}

// mutates holds for every signal: the processor stamps and removes in place.
func mutates() processorhelper.Option {
	return processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true})
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	w := cfg.(*Config).AcceptWindow
	p, err := newProcessor(set.TelemetrySettings, pipeline.SignalTraces, tenant.TracesWrite, w.Past.Traces, w.Future)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, p.processTraces, mutates())
}

func createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	w := cfg.(*Config).AcceptWindow
	p, err := newProcessor(set.TelemetrySettings, pipeline.SignalMetrics, tenant.MetricsWrite, w.Past.Metrics, w.Future)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, p.processMetrics, mutates())
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	w := cfg.(*Config).AcceptWindow
	p, err := newProcessor(set.TelemetrySettings, pipeline.SignalLogs, tenant.LogsWrite, w.Past.Logs, w.Future)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, p.processLogs, mutates())
}
