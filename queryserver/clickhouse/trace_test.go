package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func spanNames(all []queryserver.Span) []string {
	names := []string{}
	for _, span := range all {
		names = append(names, span.Name)
	}
	return names
}

func TestStore_Trace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 1, id: 9, service: "secret", name: "canary"}, oneSpan{trace: 8, id: 9, service: "secret", name: "canary"}))

	got, err := w.Trace(t.Context(), scope(w.Tenant), traceID(1), queryserver.TimeRange{})
	require.NoError(t, err)
	require.Equal(t, []string{"GET /", "call cart", "add"}, spanNames(got.Spans))
	require.Equal(t, traceID(1).String(), got.TraceID)
	require.False(t, got.Truncated)
	first := got.Spans[0]
	require.Equal(t, queryserver.ServerSpan, first.Kind)
	require.EqualValues(t, time.Second, first.Duration)
	require.True(t, noon.Equal(first.Start))
	require.Equal(t, "http.route", first.Attributes[0].Key)
	require.JSONEq(t, `"/"`, string(first.Attributes[0].JSON))
	require.Equal(t, queryserver.ErrorStatus, got.Spans[2].Status)
	require.Len(t, got.Resources, 2, "resources that are equal stand once")

	got, err = w.Trace(t.Context(), scope(w.Tenant), traceID(3), queryserver.TimeRange{})
	require.NoError(t, err)
	require.True(t, got.Spans[0].ParentMissing)
	require.False(t, got.Spans[1].ParentMissing)

	for name, id := range map[string]queryserver.TraceID{"of nobody": traceID(7), "of another tenant": traceID(8)} {
		_, err = w.Trace(t.Context(), scope(w.Tenant), id, queryserver.TimeRange{})
		require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err), name)
		_, err = w.TraceBounds(t.Context(), scope(w.Tenant), id, queryserver.TimeRange{})
		require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err), name)
	}
	_, err = w.Trace(t.Context(), scope(w.Tenant), traceID(1), queryserver.TimeRange{From: noon.Add(-2 * time.Hour), To: noon.Add(-time.Hour)})
	require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err), "elsewhere in time")
}

// Rule 27: a role sees of a trace what its filter lets through, and nothing of the rest in
// bounds or summaries.
func TestStore_Trace_Filter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	cart := scope(w.Tenant, is("service", "cart"))
	got, err := w.Trace(t.Context(), cart, traceID(1), queryserver.TimeRange{})
	require.NoError(t, err)
	require.Equal(t, []string{"add"}, spanNames(got.Spans))
	require.True(t, got.Spans[0].ParentMissing)
	require.Len(t, got.Resources, 1)
	bounds, err := w.TraceBounds(t.Context(), cart, traceID(1), queryserver.TimeRange{})
	require.NoError(t, err)
	require.EqualValues(t, 1, bounds.SpanCount)
	require.True(t, noon.Add(200*time.Millisecond).Equal(bounds.In.From))
	_, err = w.Trace(t.Context(), cart, traceID(2), queryserver.TimeRange{})
	require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err))

	team := scope(w.Tenant, is("team", "b"))
	got, err = w.Trace(t.Context(), team, traceID(1), queryserver.TimeRange{})
	require.NoError(t, err)
	require.Equal(t, []string{"add"}, spanNames(got.Spans))
}

// A trace that is too long is cut, and says so.
func TestStore_Trace_Truncated(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.limits.TraceSpans = 2
	w.World.Traces(t, w.Tenant, shopTraces())
	got, err := w.Trace(t.Context(), scope(w.Tenant), traceID(1), queryserver.TimeRange{})
	require.NoError(t, err)
	require.Equal(t, []string{"GET /", "call cart"}, spanNames(got.Spans))
	require.True(t, got.Cut())
}

func traceNumbers(list queryserver.TraceList) []int {
	numbers := []int{}
	for _, position := range list.Positions {
		numbers = append(numbers, int(position.TraceID[9]))
	}
	return numbers
}

func TestStore_Traces(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 8, id: 9, service: "secret", name: "canary"}))
	for name, c := range map[string]struct {
		filter queryserver.SpanFilter
		scope  queryserver.Scope
		want   []int
	}{
		"all":               {want: []int{3, 2, 1}},
		"service":           {filter: queryserver.SpanFilter{Service: "mail"}, want: []int{2}},
		"operation":         {filter: queryserver.SpanFilter{Operation: "GET /"}, want: []int{2, 1}},
		"kind":              {filter: queryserver.SpanFilter{Kind: queryserver.ConsumerSpan}, want: []int{2}},
		"status":            {filter: queryserver.SpanFilter{Status: queryserver.ErrorStatus}, want: []int{2, 1}},
		"longer":            {filter: queryserver.SpanFilter{MinDuration: 2 * time.Second}, want: []int{3, 2}},
		"shorter":           {filter: queryserver.SpanFilter{MaxDuration: time.Millisecond}, want: []int{2}},
		"roots":             {filter: queryserver.SpanFilter{Roots: true}, want: []int{2, 1}},
		"one span has both": {filter: queryserver.SpanFilter{Service: "cart", Operation: "GET /"}, want: []int{}},
		"attribute":         {filter: queryserver.SpanFilter{Where: match("http.route", queryserver.Equal, bare("/"))}, want: []int{1}},
		"of a resource":     {filter: queryserver.SpanFilter{Where: match("team", queryserver.Equal, bare("b"))}, want: []int{1}},
		"of either":         {filter: queryserver.SpanFilter{Where: match("team", ":*", bare(""))}, want: []int{2, 1}},
		"words":             {filter: queryserver.SpanFilter{Where: match("", queryserver.Contains, bare("CART"))}, want: []int{1}},
		"duration":          {filter: queryserver.SpanFilter{Where: match("duration", queryserver.Greater, bare("1.5s"))}, want: []int{3, 2}},
		"kind by search":    {filter: queryserver.SpanFilter{Where: match("kind", queryserver.Equal, bare("producer"))}, want: []int{2}},
		"not an error":      {filter: queryserver.SpanFilter{Where: match("status", queryserver.NotEqual, bare("ERROR")), Service: "cart"}, want: []int{3}},
		"role":              {scope: scope(w.Tenant, is("service", "mail")), want: []int{2}},
		"role by attribute": {scope: scope(w.Tenant, is("team", "b")), want: []int{1}},
	} {
		query := queryserver.TraceQuery{SpanFilter: c.filter, Limit: 10}
		query.In = day
		if c.scope.Tenant().IsZero() {
			c.scope = scope(w.Tenant)
		}
		got, err := w.Store.Traces(t.Context(), c.scope, query)
		require.NoError(t, err, name)
		require.Equal(t, c.want, traceNumbers(got), name)
		query.Order = queryserver.SlowestFirst
		got, err = w.Store.Traces(t.Context(), c.scope, query)
		require.NoError(t, err, name)
		require.ElementsMatch(t, c.want, traceNumbers(got), name)
	}
}

func TestStore_Traces_Summaries(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	query := queryserver.TraceQuery{SpanFilter: queryserver.SpanFilter{In: day}, Order: queryserver.SlowestFirst, Limit: 10}
	got, err := w.Store.Traces(t.Context(), scope(w.Tenant), query)
	require.NoError(t, err)
	require.Equal(t, []int{2, 3, 1}, traceNumbers(got), "60.001 s, 5.001 s, 1 s")
	require.Equal(t, queryserver.TraceSummary{
		TraceID: traceID(2).String(), RootService: "shop", RootOperation: "GET /", Start: noon.Add(time.Minute).UTC(),
		Duration: int64(time.Minute + time.Millisecond), SpanCount: 3, ErrorCount: 1, Services: []string{"mail", "shop"},
	}, got.Items[0])
	require.Equal(t, "cart", got.Items[1].RootService, "the earliest stands in for a root that has not arrived")
	require.Equal(t, "lone", got.Items[1].RootOperation)
	require.True(t, got.Items[1].RootMissing)

	// What a role does not see is in no sum.
	got, err = w.Store.Traces(t.Context(), scope(w.Tenant, is("service", "cart")), query)
	require.NoError(t, err)
	require.Equal(t, []int{3, 1}, traceNumbers(got))
	require.Equal(t, queryserver.TraceSummary{
		TraceID: traceID(1).String(), RootService: "cart", RootOperation: "add", RootMissing: true, Start: noon.Add(200 * time.Millisecond).UTC(),
		Duration: int64(300 * time.Millisecond), SpanCount: 1, ErrorCount: 1, Services: []string{"cart"},
	}, got.Items[1])
}
