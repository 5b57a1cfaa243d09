package tenantclickhouseexporter

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

func (s *store) pushTraces(ctx context.Context, td ptrace.Traces) error {
	var size ptrace.ProtoMarshaler
	return s.push(ctx, td.SpanCount(), size.TracesSize(td), func(e *encode.Encoder) error { return e.AppendTraces(td) })
}

func (s *store) pushMetrics(ctx context.Context, md pmetric.Metrics) error {
	var size pmetric.ProtoMarshaler
	return s.push(ctx, md.DataPointCount(), size.MetricsSize(md), func(e *encode.Encoder) error { return e.AppendMetrics(md) })
}

func (s *store) pushLogs(ctx context.Context, ld plog.Logs) error {
	var size plog.ProtoMarshaler
	return s.push(ctx, ld.LogRecordCount(), size.LogsSize(ld), func(e *encode.Encoder) error { return e.AppendLogs(ld) })
}
