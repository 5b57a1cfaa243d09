package corpus

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// traceSpans is how many spans of a trace one service sends.
const traceSpans = 8

// traces are spans with ten attributes.
func (w *writer) traces() ([]byte, error) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	w.resource(rs.Resource())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp")
	ss.Scope().SetVersion("0.61.0")
	spans := ss.Spans()
	spans.EnsureCapacity(w.items)
	for i := range w.items {
		w.span(spans.AppendEmpty(), i)
	}
	return ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
}

func (w *writer) span(span ptrace.Span, i int) {
	trace, first := i/traceSpans, i%traceSpans == 0
	span.SetTraceID(w.traceID(trace))
	span.SetSpanID(w.spanID(i))
	span.SetKind(ptrace.SpanKindServer)
	if !first {
		span.SetParentSpanID(w.spanID(trace*traceSpans + w.random.IntN(i%traceSpans)))
		span.SetKind(one(w, ptrace.SpanKindClient, ptrace.SpanKindClient, ptrace.SpanKindInternal))
	}
	method, route := one(w, "GET", "GET", "GET", "POST", "PUT"), w.random.IntN(24)
	span.SetName(fmt.Sprintf("%s /api/%s/resource-%d/{id}", method, w.service(), route))
	begin := -time.Duration(w.random.IntN(2_000_000)) * time.Microsecond
	// Durations of requests are log-normal; these have a median of 8 ms.
	duration := time.Millisecond + time.Duration(8e6*math.Exp(w.random.NormFloat64()))
	span.SetStartTimestamp(w.at(begin))
	span.SetEndTimestamp(w.end(begin + duration))
	status := 200
	if w.chance(3) {
		status = one(w, 404, 500, 503)
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	a := span.Attributes()
	a.EnsureCapacity(10)
	a.PutStr("http.request.method", method)
	a.PutStr("http.route", fmt.Sprintf("/api/%s/resource-%d/{id}", w.service(), route))
	a.PutInt("http.response.status_code", int64(status))
	a.PutStr("url.path", fmt.Sprintf("/api/%s/resource-%d/%s", w.service(), route, w.digits(50_000)))
	a.PutStr("url.scheme", "https")
	a.PutStr("server.address", w.service()+".shop.example")
	a.PutInt("server.port", 443)
	a.PutStr("client.address", fmt.Sprintf("10.%d.%d.%d", w.random.IntN(4), w.random.IntN(256), w.random.IntN(256)))
	a.PutStr("user_agent.original", one(w, "Go-http-client/2.0", "okhttp/4.12.0", "Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0"))
	a.PutStr("session.id", w.digits(1e8))
	if status >= 500 {
		w.exception(span.Events().AppendEmpty(), begin+duration)
	}
}

func (w *writer) exception(event ptrace.SpanEvent, at time.Duration) {
	event.SetName("exception")
	event.SetTimestamp(w.at(at))
	event.Attributes().PutStr("exception.type", one(w, "io.EOF", "context.DeadlineExceeded", "net.OpError"))
	event.Attributes().PutStr("exception.message", fmt.Sprintf("upstream %d did not answer", w.random.IntN(40)))
}
