package cache

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// traceViews are the answers about spans.
type traceViews struct {
	traces     *View[answer[queryserver.TraceList]]
	trace      *View[answer[queryserver.Trace]]
	bounds     *View[answer[queryserver.TraceBounds]]
	pages      *View[answer[queryserver.SpanPage]]
	statistics *View[answer[queryserver.SpanStatistics]]
	serviceMap *View[answer[queryserver.ServiceMap]]
}

// boundsLife is how long it may take until a late span that lies outside all that was known
// of its trace is seen.
var boundsLife = life{5 * time.Second, 5 * time.Second} //nolint:gochecknoglobals // a constant

func newTraceViews(c *Cache) traceViews {
	return traceViews{
		traces:     answers[queryserver.TraceList](c, "trace_list", tracesLife),
		trace:      answers[queryserver.Trace](c, "trace", tracesLife),
		bounds:     answers[queryserver.TraceBounds](c, "trace_bounds", boundsLife),
		pages:      answers[queryserver.SpanPage](c, "trace_spans", tracesLife),
		statistics: answers[queryserver.SpanStatistics](c, "trace_statistics", tracesLife),
		serviceMap: answers[queryserver.ServiceMap](c, "trace_map", tracesLife),
	}
}

// askTraces asks about the spans of a time range.
func askTraces[T any](ctx context.Context, t *Telemetry, view *View[answer[T]], scope queryserver.Scope, in queryserver.TimeRange, rest any, load func(context.Context) (T, error)) (T, error) {
	return ask(ctx, t, view, scope, question{signals: []queryserver.Signal{queryserver.Traces}, in: in, rest: rest}, load)
}

// Traces is that of queryserver.Telemetry.
func (t *Telemetry) Traces(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery) (queryserver.TraceList, error) {
	return askTraces(ctx, t, t.spans.traces, scope, query.In, query, func(ctx context.Context) (queryserver.TraceList, error) {
		return t.next.Traces(ctx, scope, query)
	})
}

// Trace is that of queryserver.Telemetry. The bounds of the trace are asked for again after
// some seconds; they, the number of spans, and the generations of the hours within are part
// of the key, so that neither a hint nor a missing one leaves an old trace standing.
func (t *Telemetry) Trace(ctx context.Context, scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (queryserver.Trace, error) {
	bounds, err := t.TraceBounds(ctx, scope, id, in)
	if err != nil {
		return queryserver.Trace{}, err
	}
	type rest struct {
		ID     queryserver.TraceID
		In     queryserver.TimeRange
		Bounds queryserver.TraceBounds
	}
	return askTraces(ctx, t, t.spans.trace, scope, bounds.In, rest{id, in, bounds}, func(ctx context.Context) (queryserver.Trace, error) {
		return t.next.Trace(ctx, scope, id, in)
	})
}

// TraceBounds is that of queryserver.Telemetry.
func (t *Telemetry) TraceBounds(ctx context.Context, scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (queryserver.TraceBounds, error) {
	type rest struct{ ID queryserver.TraceID }
	return ask(ctx, t, t.spans.bounds, scope, question{in: in, rest: rest{id}}, func(ctx context.Context) (queryserver.TraceBounds, error) {
		return t.next.TraceBounds(ctx, scope, id, in)
	})
}

// Spans is that of queryserver.Telemetry.
func (t *Telemetry) Spans(ctx context.Context, scope queryserver.Scope, query queryserver.SpanQuery) (queryserver.SpanPage, error) {
	return askTraces(ctx, t, t.spans.pages, scope, query.In, query, func(ctx context.Context) (queryserver.SpanPage, error) {
		return t.next.Spans(ctx, scope, query)
	})
}

// SpanStatistics is that of queryserver.Telemetry.
func (t *Telemetry) SpanStatistics(ctx context.Context, scope queryserver.Scope, query queryserver.SpanStatisticsQuery) (queryserver.SpanStatistics, error) {
	return askTraces(ctx, t, t.spans.statistics, scope, query.In, query, func(ctx context.Context) (queryserver.SpanStatistics, error) {
		return t.next.SpanStatistics(ctx, scope, query)
	})
}

// ServiceMap is that of queryserver.Telemetry.
func (t *Telemetry) ServiceMap(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) (queryserver.ServiceMap, error) {
	return askTraces(ctx, t, t.spans.serviceMap, scope, in, nil, func(ctx context.Context) (queryserver.ServiceMap, error) {
		return t.next.ServiceMap(ctx, scope, in)
	})
}

// ExportSpans is that of queryserver.Telemetry. What is streamed is not remembered.
func (t *Telemetry) ExportSpans(ctx context.Context, scope queryserver.Scope, filter queryserver.SpanFilter, receive func(queryserver.SpanSet) error) error {
	return t.next.ExportSpans(ctx, scope, filter, receive)
}
