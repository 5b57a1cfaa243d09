package main

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// items is the size of a batch: what an exporter groups under load.
const items = 8192

// resource has eight attributes, as SDKs and detectors send them.
func resource(r pcommon.Resource) {
	for key, value := range map[string]string{
		"service.name": "checkout", "service.version": "1.42.0", "service.instance.id": "627cc493-f310-47de-96bd-71410b7dec09",
		"host.name": "node-7.example", "os.type": "linux", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go",
		"deployment.environment.name": "production",
		tenant.WorkspaceAttribute:     "0190f3a1-0000-7000-8000-00000000000a", tenant.TenantAttribute: "0190f3a1-0000-7000-8000-0000000000a1",
	} {
		r.Attributes().PutStr(key, value)
	}
}

func at(i int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(time.Now().Truncate(time.Hour).Add(time.Duration(i) * time.Millisecond))
}

func attributes(m pcommon.Map, i int) {
	m.PutStr("http.request.method", "GET")
	m.PutStr("http.route", fmt.Sprintf("/products/{id}/%d", i%20))
	m.PutInt("http.response.status_code", int64(200+i%3*100))
	m.PutStr("url.path", fmt.Sprintf("/products/%d", i))
	m.PutStr("url.scheme", "https")
	m.PutStr("server.address", "shop.example")
	m.PutInt("server.port", 443)
	m.PutStr("client.address", fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255))
	m.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
	m.PutBool("http.cache.hit", i%2 == 0)
}

func traces() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	resource(rs.Resource())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("net/http")
	for i := range items {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1, byte(i >> 11), byte(i >> 3)})
		span.SetSpanID(pcommon.SpanID{2, byte(i >> 8), byte(i)})
		span.SetParentSpanID(pcommon.SpanID{3, byte(i >> 8)})
		span.SetName(fmt.Sprintf("GET /products/{id}/%d", i%20))
		span.SetKind(ptrace.SpanKindServer)
		span.SetStartTimestamp(at(i))
		span.SetEndTimestamp(at(i + 20))
		attributes(span.Attributes(), i)
		if i%8 == 0 {
			event := span.Events().AppendEmpty()
			event.SetName("exception")
			event.SetTimestamp(at(i + 1))
			event.Attributes().PutStr("exception.type", "io.EOF")
		}
	}
	return td
}

func logs() plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	resource(rl.Resource())
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("slog")
	for i := range items {
		record := sl.LogRecords().AppendEmpty()
		record.SetTimestamp(at(i))
		record.SetObservedTimestamp(at(i + 1))
		record.SetSeverityNumber(plog.SeverityNumberInfo)
		record.SetSeverityText("INFO")
		record.Body().SetStr(fmt.Sprintf("served product %d from the cache in %d ms", i, i%50))
		record.SetTraceID(pcommon.TraceID{1, byte(i >> 8), byte(i)})
		record.SetSpanID(pcommon.SpanID{2, byte(i >> 8), byte(i)})
		record.Attributes().PutStr("logger.name", "cart")
		record.Attributes().PutInt("http.response.status_code", 200)
		record.Attributes().PutStr("user.id", fmt.Sprintf("u-%d", i%1000))
		record.Attributes().PutStr("code.function.name", "handler.Serve")
	}
	return ld
}

func metrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	resource(rm.Resource())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("runtime")
	for m := range 64 {
		metric := sm.Metrics().AppendEmpty()
		metric.SetName(fmt.Sprintf("http.server.requests.%d", m))
		metric.SetUnit("{request}")
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for i := range items / 64 {
			point := sum.DataPoints().AppendEmpty()
			point.SetTimestamp(at(i))
			point.SetStartTimestamp(at(0))
			point.SetIntValue(int64(i * m))
			point.Attributes().PutStr("http.request.method", "GET")
			point.Attributes().PutStr("http.route", fmt.Sprintf("/products/%d", i%32))
			point.Attributes().PutInt("http.response.status_code", int64(200+i%4))
			point.Attributes().PutStr("url.scheme", "https")
			point.Attributes().PutStr("server.address", "shop.example")
		}
	}
	return md
}

// buckets of a histogram, as the SDKs' default boundaries give.
const buckets = 16

// histograms are half explicit, half exponential; each eighth has an exemplar.
func histograms() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	resource(rm.Resource())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("runtime")
	for m := range 32 {
		explicit := sm.Metrics().AppendEmpty()
		explicit.SetName(fmt.Sprintf("http.server.request.duration.%d", m))
		points := explicit.SetEmptyHistogram().DataPoints()
		exponential := sm.Metrics().AppendEmpty()
		exponential.SetName(fmt.Sprintf("http.client.request.duration.%d", m))
		others := exponential.SetEmptyExponentialHistogram().DataPoints()
		for i := range items / 64 {
			point := points.AppendEmpty()
			point.SetTimestamp(at(i))
			point.SetStartTimestamp(at(0))
			point.SetCount(uint64(i * buckets))
			point.SetSum(float64(i * m))
			point.Attributes().PutStr("http.route", fmt.Sprintf("/products/%d", i%32))
			point.Attributes().PutStr("http.request.method", "GET")
			other := others.AppendEmpty()
			other.SetTimestamp(at(i))
			other.SetStartTimestamp(at(0))
			other.SetCount(uint64(i * buckets))
			other.SetSum(float64(i * m))
			other.SetScale(3)
			point.Attributes().CopyTo(other.Attributes())
			for b := range buckets {
				if b > 0 {
					point.ExplicitBounds().Append(float64(b * b))
				}
				point.BucketCounts().Append(uint64(i))
				other.Positive().BucketCounts().Append(uint64(i))
			}
			if i%8 == 0 {
				exemplar := point.Exemplars().AppendEmpty()
				exemplar.SetTimestamp(at(i))
				exemplar.SetDoubleValue(float64(i))
				exemplar.SetTraceID(pcommon.TraceID{1, byte(i)})
			}
		}
	}
	return md
}
