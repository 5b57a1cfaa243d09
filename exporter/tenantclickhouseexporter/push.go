package tenantclickhouseexporter

import (
	"context"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

func (s *store) pushTraces(ctx context.Context, td ptrace.Traces) error {
	var shares shares
	for _, resource := range td.ResourceSpans().All() {
		items := 0
		for _, scope := range resource.ScopeSpans().All() {
			items += scope.Spans().Len()
		}
		if err := shares.add(resource.Resource(), items); err != nil {
			return s.unstamped(err)
		}
	}
	size := func() int { return (&ptrace.ProtoMarshaler{}).TracesSize(td) }
	return s.push(ctx, shares.of, size, func(e *encode.Encoder) error { return e.AppendTraces(td) })
}

func (s *store) pushMetrics(ctx context.Context, md pmetric.Metrics) error {
	var shares shares
	for _, resource := range md.ResourceMetrics().All() {
		items := 0
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				items += dataPoints(metric)
			}
		}
		if err := shares.add(resource.Resource(), items); err != nil {
			return s.unstamped(err)
		}
	}
	size := func() int { return (&pmetric.ProtoMarshaler{}).MetricsSize(md) }
	return s.push(ctx, shares.of, size, func(e *encode.Encoder) error { return e.AppendMetrics(md) })
}

func (s *store) pushLogs(ctx context.Context, ld plog.Logs) error {
	var shares shares
	for _, resource := range ld.ResourceLogs().All() {
		items := 0
		for _, scope := range resource.ScopeLogs().All() {
			items += scope.LogRecords().Len()
		}
		if err := shares.add(resource.Resource(), items); err != nil {
			return s.unstamped(err)
		}
	}
	size := func() int { return (&plog.ProtoMarshaler{}).LogsSize(ld) }
	return s.push(ctx, shares.of, size, func(e *encode.Encoder) error { return e.AppendLogs(ld) })
}

// dataPoints is the number of a metric's data points.
func dataPoints(metric pmetric.Metric) int {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		return metric.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return metric.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return metric.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return metric.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return metric.Summary().DataPoints().Len()
	case pmetric.MetricTypeEmpty:
	}
	return 0
}

// shares are the parts of a request that belong to each tenant. There is mostly one.
type shares struct{ of []spool.Share }

func (s *shares) add(resource pcommon.Resource, items int) error {
	owner, err := encode.Owner(resource)
	if err != nil || items == 0 {
		return err
	}
	for i := range s.of {
		if s.of[i].Owner == owner {
			s.of[i].Items += items
			return nil
		}
	}
	s.of = append(s.of, spool.Share{Owner: owner, Items: items})
	return nil
}

func (s *store) unstamped(err error) error {
	s.logger.Error("Refused a request", zap.Error(err))
	return errUnstamped()
}

// keyOf is the API key of a call.
func keyOf(ctx context.Context) spool.KeyID {
	auth, ok := client.FromContext(ctx).Auth.(*tenant.Auth)
	if !ok {
		return spool.KeyID{}
	}
	id, err := apikey.ParseID(auth.Principal.KeyID())
	if err != nil {
		return spool.KeyID{}
	}
	return spool.KeyID(id)
}
