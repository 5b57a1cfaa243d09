package clickhouse

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// numbered is the id of a trace of the plans.
func numbered(i int) queryserver.TraceID {
	return queryserver.TraceID{1, byte(i), byte(i >> 8), byte(i >> 16)}
}

// fillSpans makes traces of two spans, 10 ms apart.
func fillSpans(from time.Time, count int) ptrace.Traces {
	td := ptrace.NewTraces()
	r := td.ResourceSpans().AppendEmpty()
	r.Resource().Attributes().PutStr("service.name", "shop")
	spans := r.ScopeSpans().AppendEmpty().Spans()
	for i := range 2 * count {
		span := spans.AppendEmpty()
		span.SetTraceID(pcommon.TraceID(numbered(i / 2)))
		span.SetSpanID(pcommon.SpanID{byte(i%2 + 1)})
		span.SetName("GET /")
		at := from.Add(time.Duration(i) * 10 * time.Millisecond)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Millisecond)))
		span.Attributes().PutStr("order.id", fmt.Sprintf("o%d", i))
	}
	return td
}

// The paths through the tables that questions about spans are meant to take.
func TestTraces_Plans(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for day := range 3 { // one of which is asked for
		w.World.Traces(t, w.Tenant, fillSpans(noon.AddDate(0, 0, -day), 50_000))
		w.World.Traces(t, w.Other, fillSpans(noon.AddDate(0, 0, -day), 10_000))
	}
	for _, table := range []string{"spans", "traces"} {
		require.NoError(t, w.conn.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"))
	}
	seen := scope(w.Tenant)
	render := func(_ *reading, query chsql.Select, err error) chsql.Select {
		require.NoError(t, err)
		return query
	}
	all := w.plan(t, render(newestQuery(seen, queryserver.TraceQuery{SpanFilter: queryserver.SpanFilter{In: day}, Limit: 50})))
	kept, parts := left(t, all, "Min-Max")
	require.LessOrEqual(t, kept*2, parts, "a day's partition of three:\n%s", all)
	kept, of := left(t, all, "PrimaryKey")
	require.LessOrEqual(t, kept*10, of*9, "the tenant's range:\n%s", all)

	some := queryserver.SpanFilter{In: queryserver.TimeRange{From: noon, To: noon.Add(time.Minute)}}
	kept, of = left(t, w.plan(t, render(exportQuery(seen, some, nil))), "PrimaryKey")
	require.LessOrEqual(t, kept*2, of, "a bucket of the sort key")

	byAttribute := queryserver.TraceQuery{SpanFilter: queryserver.SpanFilter{In: day, Where: match("order.id", queryserver.Equal, bare("o77"))}, Limit: 50}
	kept, of = left(t, w.plan(t, render(newestQuery(seen, byAttribute))), "Name: items")
	require.LessOrEqual(t, kept*3, of)
	slow := queryserver.TraceQuery{SpanFilter: queryserver.SpanFilter{In: day, MinDuration: time.Second}, Limit: 50}
	kept, _ = left(t, w.plan(t, render(newestQuery(seen, slow))), "Name: duration")
	require.Zero(t, kept)

	plan := w.plan(t, render(traceBoundsQuery(seen, numbered(77), queryserver.TimeRange{})))
	require.Contains(t, plan, "ReadFromMergeTree (")
	kept, of = left(t, plan, "PrimaryKey")
	require.LessOrEqual(t, kept*10, of, "a granule per day of the summaries:\n%s", plan)
	plan = w.plan(t, render(summariesQuery(seen, day, []queryserver.TraceID{numbered(77), numbered(78)})))
	kept, of = left(t, plan, "PrimaryKey")
	require.LessOrEqual(t, kept*10, of, "the granules of the ids:\n%s", plan)
	bounds := queryserver.TimeRange{From: noon, To: noon.Add(time.Minute)}
	plan = w.plan(t, render(traceQuery(seen, numbered(77), bounds, 1000)))
	_, _ = left(t, plan, "Min-Max")
	kept, of = left(t, plan, "PrimaryKey")
	require.LessOrEqual(t, kept*2, of, plan)
	plan = w.plan(t, render(traceQuery(seen, numbered(77), day, 1000)))
	kept, of = left(t, plan, "Name: trace")
	require.LessOrEqual(t, kept*3, of, "without bounds the filter decides:\n%s", plan)
	plan = w.plan(t, render(presentQuery(seen, queryserver.SpanFilter{}, day, []queryserver.TracePosition{{TraceID: numbered(77)}, {TraceID: numbered(78)}})))
	kept, of = left(t, plan, "Name: trace")
	require.LessOrEqual(t, kept*3, of, plan)
}

// Payloads in every text of a question: no row of another tenant, no error of the engine.
func TestTraces_Injection(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 8, id: 1, service: "secret", name: "secret", kind: ptrace.SpanKindServer}))
	minute := queryserver.TimeRange{From: noon, To: noon.Add(time.Minute)} // one look is enough
	texts := payloads()
	var all []oneSpan
	for i, text := range texts {
		all = append(all, oneSpan{trace: byte(i), id: byte(i>>8 + 1), service: text, name: text, own: map[string]string{text: text}})
	}
	w.World.Traces(t, w.Tenant, spansFrom(all...))
	for i, text := range texts {
		if i%10 != 0 && len(text) > 0 {
			continue // the texts differ in little
		}
		for name, filter := range map[string]queryserver.SpanFilter{
			"service": {Service: text}, "operation": {Operation: text}, "attribute": {Where: match(text, queryserver.Equal, quoted(text))},
		} {
			filter.In = minute
			page, err := w.Spans(t.Context(), scope(w.Tenant), queryserver.SpanQuery{SpanFilter: filter, Limit: 1000})
			require.NoError(t, err, "%s %q", name, text)
			require.NotEmpty(t, page.Spans, "%s %q", name, text)
			for _, span := range page.Spans {
				require.True(t, text == "" || span.Name == text, "%s %q", name, text)
			}
		}
		got, err := w.SpanStatistics(t.Context(), scope(w.Tenant), queryserver.SpanStatisticsQuery{SpanFilter: queryserver.SpanFilter{In: minute, Service: text}, GroupBy: []string{text}, Limit: 1})
		require.NoError(t, err)
		require.Len(t, got.Groups, 1)
		require.NotContains(t, got.Groups[0].Values, "secret")
	}
}
