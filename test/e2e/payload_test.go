//go:build linux

package e2e

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// payload is one request of any signal, with the number of items it holds.
type payload struct {
	signal string // traces, metrics or logs, as the paths spell it
	kind   string // traces, logs, or the kind of the metric: the unit of the ledger
	items  int
	traces ptrace.Traces
	points pmetric.Metrics
	logs   plog.Logs
}

// resource is that of all items of the payload.
func (p payload) resource() pcommon.Resource {
	switch p.signal {
	case "traces":
		return p.traces.ResourceSpans().At(0).Resource()
	case "logs":
		return p.logs.ResourceLogs().At(0).Resource()
	default:
		return p.points.ResourceMetrics().At(0).Resource()
	}
}

// sequence numbers the items of one service, so that a lost one and a doubled
// one are told apart in the rows: each item's timestamp is start + number ns.
type sequence struct {
	service string
	tenant  string
	start   time.Time
	next    int64
}

func (s *sequence) timestamp() pcommon.Timestamp {
	s.next++
	return pcommon.NewTimestampFromTime(s.start.Add(time.Duration(s.next)))
}

// metricKinds are the five kinds of OTLP metrics, with both kinds of number.
var metricKinds = []string{"gauge", "sum", "histogram", "exponential_histogram", "summary"}

func (s *sequence) resource(resource pcommon.Resource) {
	resource.Attributes().PutStr("service.name", s.service)
	resource.Attributes().PutStr("e2e.tenant", s.tenant)
}

func (s *sequence) spans(n int) payload {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	s.resource(rs.Resource())
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	spans.EnsureCapacity(n)
	var trace pcommon.TraceID
	_, _ = rand.Read(trace[:])
	for i := range n {
		span := spans.AppendEmpty()
		span.SetTraceID(trace)
		span.SetSpanID(spanID(uint64(i + 1)))
		if i > 0 {
			span.SetParentSpanID(spanID(1))
		}
		span.SetName("operation")
		span.SetKind(ptrace.SpanKindServer)
		span.SetStartTimestamp(s.timestamp())
		span.SetEndTimestamp(span.StartTimestamp() + 1_000_000)
		span.Attributes().PutInt("http.response.status_code", 200)
		span.Attributes().PutStr("http.request.method", "GET")
	}
	return payload{signal: "traces", kind: "traces", items: n, traces: td}
}

func spanID(n uint64) pcommon.SpanID {
	var id pcommon.SpanID
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func (s *sequence) records(n int) payload {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	s.resource(rl.Resource())
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	records.EnsureCapacity(n)
	for range n {
		record := records.AppendEmpty()
		record.SetTimestamp(s.timestamp())
		record.SetObservedTimestamp(record.Timestamp())
		record.SetSeverityNumber(plog.SeverityNumberInfo)
		record.SetSeverityText("INFO")
		record.Body().SetStr("request served")
		record.Attributes().PutInt("http.response.status_code", 200)
	}
	return payload{signal: "logs", kind: "logs", items: n, logs: ld}
}

func (s *sequence) dataPoints(kind string, n int) payload {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	s.resource(rm.Resource())
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("e2e." + kind)
	metric.SetUnit("1")
	switch kind {
	case "gauge":
		s.numbers(metric.SetEmptyGauge().DataPoints(), n)
	case "sum":
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		s.numbers(sum.DataPoints(), n)
	case "histogram":
		s.histogram(metric.SetEmptyHistogram(), n)
	case "exponential_histogram":
		s.exponentialHistogram(metric.SetEmptyExponentialHistogram(), n)
	case "summary":
		s.summary(metric.SetEmptySummary(), n)
	}
	return payload{signal: "metrics", kind: kind, items: n, points: md}
}

func (s *sequence) numbers(points pmetric.NumberDataPointSlice, n int) {
	for i := range n {
		point := points.AppendEmpty()
		point.SetTimestamp(s.timestamp())
		point.Attributes().PutStr("route", "/cart")
		if i%2 == 0 {
			point.SetIntValue(int64(i))
		} else {
			point.SetDoubleValue(float64(i) / 2)
		}
	}
}

func (s *sequence) histogram(histogram pmetric.Histogram, n int) {
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for range n {
		point := histogram.DataPoints().AppendEmpty()
		point.SetTimestamp(s.timestamp())
		point.ExplicitBounds().FromRaw([]float64{1, 10})
		point.BucketCounts().FromRaw([]uint64{1, 2, 3})
		point.SetCount(6)
		point.SetSum(40)
	}
}

func (s *sequence) exponentialHistogram(histogram pmetric.ExponentialHistogram, n int) {
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for range n {
		point := histogram.DataPoints().AppendEmpty()
		point.SetTimestamp(s.timestamp())
		point.SetScale(3)
		point.SetZeroCount(1)
		point.Positive().SetOffset(-2)
		point.Positive().BucketCounts().FromRaw([]uint64{4, 5})
		point.SetCount(10)
		point.SetSum(12)
	}
}

func (s *sequence) summary(summary pmetric.Summary, n int) {
	for range n {
		point := summary.DataPoints().AppendEmpty()
		point.SetTimestamp(s.timestamp())
		point.SetCount(3)
		point.SetSum(6)
		quantile := point.QuantileValues().AppendEmpty()
		quantile.SetQuantile(0.99)
		quantile.SetValue(4)
	}
}
