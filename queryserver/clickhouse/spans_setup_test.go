package clickhouse

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// oneSpan is a span of a test. Ids are small numbers.
type oneSpan struct {
	trace, id, parent byte
	service, name     string
	kind              ptrace.SpanKind
	after, lasts      time.Duration // noon
	failed            bool
	own, resource     map[string]string
}

func spansFrom(all ...oneSpan) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, one := range all {
		r := td.ResourceSpans().AppendEmpty()
		put(r.Resource().Attributes(), one.resource)
		r.Resource().Attributes().PutStr("service.name", one.service)
		span := r.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID(traceID(one.trace)))
		span.SetSpanID(pcommon.SpanID{1: one.id})
		span.SetParentSpanID(pcommon.SpanID{1: one.parent})
		span.SetName(one.name)
		span.SetKind(one.kind)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(noon.Add(one.after)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(noon.Add(one.after + one.lasts)))
		if one.failed {
			span.Status().SetCode(ptrace.StatusCodeError)
		}
		put(span.Attributes(), one.own)
	}
	return td
}

// traceID ends in zeros, which belong to it.
func traceID(number byte) queryserver.TraceID { return queryserver.TraceID{0: 0xab, 9: number} }

// shopTraces are a checkout with its parts, a later one that failed, and one whose root has not arrived.
func shopTraces() ptrace.Traces {
	return spansFrom(
		oneSpan{trace: 1, id: 1, service: "shop", name: "GET /", kind: ptrace.SpanKindServer, lasts: time.Second, own: map[string]string{"http.route": "/"}},
		oneSpan{trace: 1, id: 2, parent: 1, service: "shop", name: "call cart", kind: ptrace.SpanKindClient, after: 100 * time.Millisecond, lasts: 500 * time.Millisecond},
		oneSpan{trace: 1, id: 3, parent: 2, service: "cart", name: "add", kind: ptrace.SpanKindServer, after: 200 * time.Millisecond, lasts: 300 * time.Millisecond, failed: true, resource: map[string]string{"team": "b"}},
		oneSpan{trace: 2, id: 1, service: "shop", name: "GET /", kind: ptrace.SpanKindServer, after: time.Minute, lasts: 2 * time.Second, failed: true, own: map[string]string{"team": "a"}},
		oneSpan{trace: 2, id: 2, parent: 1, service: "shop", name: "publish", kind: ptrace.SpanKindProducer, after: time.Minute + time.Second, lasts: time.Millisecond},
		oneSpan{trace: 2, id: 3, parent: 2, service: "mail", name: "consume", kind: ptrace.SpanKindConsumer, after: 2 * time.Minute, lasts: time.Millisecond},
		oneSpan{trace: 3, id: 2, parent: 9, service: "cart", name: "lone", after: time.Hour, lasts: 10 * time.Millisecond},
		oneSpan{trace: 3, id: 3, parent: 2, service: "cart", name: "child", after: time.Hour + time.Millisecond, lasts: 5 * time.Second},
	)
}

func is(dimension string, values ...string) []queryserver.Predicate {
	return []queryserver.Predicate{{Dimension: dimension, Values: values}}
}
