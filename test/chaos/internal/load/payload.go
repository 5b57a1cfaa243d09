package load

import (
	"encoding/binary"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/zeebo/xxh3"
)

// body is the OTLP request of the items from first on.
func (s Stream) body(first uint64, config *Config, now time.Time) ([]byte, error) {
	count, poisonEvery, padding := uint64(config.BatchItems), config.PoisonEvery, strings.Repeat("x", config.Padding)
	poisoned := func(n uint64) bool { return poisonEvery > 0 && n%poisonEvery == poisonEvery-1 }
	at := pcommon.NewTimestampFromTime(now)
	switch s.Kind {
	case Spans:
		return ptraceotlp.NewExportRequestFromTraces(s.spans(first, count, poisoned, padding, at)).MarshalProto()
	case Records:
		return plogotlp.NewExportRequestFromLogs(s.records(first, count, poisoned, padding, at)).MarshalProto()
	default:
		return pmetricotlp.NewExportRequestFromMetrics(s.points(first, count, poisoned, at)).MarshalProto()
	}
}

// resource is one of several hosts, so that there are several series.
func (s Stream) resource(r pcommon.Resource, first uint64) {
	r.Attributes().PutStr("service.name", s.Name)
	r.Attributes().PutInt("host.number", int64(first/1000%4))
}

func (s Stream) spans(first, count uint64, poisoned func(uint64) bool, padding string, at pcommon.Timestamp) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	s.resource(rs.Resource(), first)
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	spans.EnsureCapacity(int(count))
	for n := first; n < first+count; n++ {
		span := spans.AppendEmpty()
		span.SetTraceID(s.traceID(n / spansPerTrace))
		span.SetSpanID(spanID(n + 1))
		span.SetName("GET /cart")
		if n%spansPerTrace != 0 {
			span.SetParentSpanID(spanID(n - n%spansPerTrace + 1))
			span.SetName("SELECT")
		}
		if poisoned(n) {
			span.SetName(PoisonText)
		}
		span.SetKind(ptrace.SpanKindServer)
		span.SetStartTimestamp(at)
		span.SetEndTimestamp(at + 1_000_000)
		span.Attributes().PutInt(NumberAttribute, int64(n))
		span.Attributes().PutInt("http.response.status_code", 200)
		pad(span.Attributes(), padding)
	}
	return td
}

func (s Stream) traceID(n uint64) pcommon.TraceID {
	var id pcommon.TraceID
	binary.BigEndian.PutUint64(id[:8], xxh3.HashString(s.Name)|1)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func pad(attributes pcommon.Map, padding string) {
	if padding != "" {
		attributes.PutStr("padding", padding)
	}
}

func spanID(n uint64) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func (s Stream) records(first, count uint64, poisoned func(uint64) bool, padding string, at pcommon.Timestamp) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	s.resource(rl.Resource(), first)
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	records.EnsureCapacity(int(count))
	for n := first; n < first+count; n++ {
		record := records.AppendEmpty()
		record.SetTimestamp(at)
		record.SetObservedTimestamp(at)
		record.SetSeverityNumber(plog.SeverityNumberInfo)
		record.SetSeverityText("INFO")
		record.Body().SetStr("request served in 12 ms")
		if poisoned(n) {
			record.Body().SetStr(PoisonText)
		}
		record.Attributes().PutInt(NumberAttribute, int64(n))
		pad(record.Attributes(), padding)
	}
	return ld
}

func (s Stream) points(first, count uint64, poisoned func(uint64) bool, at pcommon.Timestamp) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	s.resource(rm.Resource(), first)
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
	name := GaugeName
	if s.Kind == Histograms {
		name = HistogramName
	}
	good, bad := s.metric(metrics, name), func(uint64, pcommon.Timestamp) {}
	for n := first; n < first+count; n++ {
		if poisoned(n) {
			bad = s.metric(metrics, PoisonText)
			break
		}
	}
	for n := first; n < first+count; n++ {
		// A series has one data point per instant.
		if point := at + pcommon.Timestamp(n-first); poisoned(n) {
			bad(n, point)
		} else {
			good(n, point)
		}
	}
	return md
}

// metric returns what adds a data point to a new metric.
func (s Stream) metric(metrics pmetric.MetricSlice, name string) func(uint64, pcommon.Timestamp) {
	m := metrics.AppendEmpty()
	m.SetName(name)
	if s.Kind == Histograms {
		histogram := m.SetEmptyHistogram()
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		return func(n uint64, at pcommon.Timestamp) {
			point := histogram.DataPoints().AppendEmpty()
			point.SetTimestamp(at)
			point.SetCount(n)
			point.SetSum(float64(n))
			point.BucketCounts().FromRaw([]uint64{n})
		}
	}
	points := m.SetEmptyGauge().DataPoints()
	return func(n uint64, at pcommon.Timestamp) {
		point := points.AppendEmpty()
		point.SetTimestamp(at)
		point.SetIntValue(int64(n))
	}
}
