package tenantotlpreceiver

import (
	"context"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// signal is what differs between traces, metrics and logs.
type signal struct {
	name       pipeline.Signal
	permission tenant.Permission
	service    string // full name of the gRPC service
	items      string // what the OTLP specification calls its items
	schema     message

	decode  func(enc encoding, body []byte) (batch, error)
	respond func(rejected int64, message string) response
	startOp func(*receiverhelper.ObsReport, context.Context) context.Context
	endOp   func(obs *receiverhelper.ObsReport, ctx context.Context, format string, items int, err error)
}

// batch is a decoded request.
type batch struct {
	items    int
	consume  func(context.Context) error
	identity receipt.Identity // zero: its repetition is not recognised
}

func tracesSignal(next consumer.Traces) *signal {
	return &signal{
		name:       pipeline.SignalTraces,
		permission: tenant.TracesWrite,
		service:    "opentelemetry.proto.collector.trace.v1.TraceService",
		items:      "spans",
		schema:     tracesRequest,
		decode: func(enc encoding, body []byte) (batch, error) {
			request := ptraceotlp.NewExportRequest()
			if err := enc.unmarshal(body, request); err != nil {
				return batch{}, err
			}
			data := request.Traces()
			return batch{data.SpanCount(), func(ctx context.Context) error { return next.ConsumeTraces(ctx, data) }, receipt.Identity{}}, nil
		},
		respond: func(rejected int64, message string) response {
			r := ptraceotlp.NewExportResponse()
			r.PartialSuccess().SetRejectedSpans(rejected)
			r.PartialSuccess().SetErrorMessage(message)
			return r
		},
		startOp: (*receiverhelper.ObsReport).StartTracesOp,
		endOp:   (*receiverhelper.ObsReport).EndTracesOp,
	}
}

func metricsSignal(next consumer.Metrics) *signal {
	return &signal{
		name:       pipeline.SignalMetrics,
		permission: tenant.MetricsWrite,
		service:    "opentelemetry.proto.collector.metrics.v1.MetricsService",
		items:      "data points",
		schema:     metricsRequest,
		decode: func(enc encoding, body []byte) (batch, error) {
			request := pmetricotlp.NewExportRequest()
			if err := enc.unmarshal(body, request); err != nil {
				return batch{}, err
			}
			data := request.Metrics()
			return batch{data.DataPointCount(), func(ctx context.Context) error { return next.ConsumeMetrics(ctx, data) }, receipt.Identity{}}, nil
		},
		respond: func(rejected int64, message string) response {
			r := pmetricotlp.NewExportResponse()
			r.PartialSuccess().SetRejectedDataPoints(rejected)
			r.PartialSuccess().SetErrorMessage(message)
			return r
		},
		startOp: (*receiverhelper.ObsReport).StartMetricsOp,
		endOp:   (*receiverhelper.ObsReport).EndMetricsOp,
	}
}

func logsSignal(next consumer.Logs) *signal {
	return &signal{
		name:       pipeline.SignalLogs,
		permission: tenant.LogsWrite,
		service:    "opentelemetry.proto.collector.logs.v1.LogsService",
		items:      "log records",
		schema:     logsRequest,
		decode: func(enc encoding, body []byte) (batch, error) {
			request := plogotlp.NewExportRequest()
			if err := enc.unmarshal(body, request); err != nil {
				return batch{}, err
			}
			data := request.Logs()
			return batch{data.LogRecordCount(), func(ctx context.Context) error { return next.ConsumeLogs(ctx, data) }, receipt.Identity{}}, nil
		},
		respond: func(rejected int64, message string) response {
			r := plogotlp.NewExportResponse()
			r.PartialSuccess().SetRejectedLogRecords(rejected)
			r.PartialSuccess().SetErrorMessage(message)
			return r
		},
		startOp: (*receiverhelper.ObsReport).StartLogsOp,
		endOp:   (*receiverhelper.ObsReport).EndLogsOp,
	}
}
