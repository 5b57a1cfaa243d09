package clickhouse

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestStore_Spans_Pages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 1, id: 9, service: "secret", name: "canary"}))
	query := queryserver.SpanQuery{SpanFilter: queryserver.SpanFilter{In: day}, Limit: 3}
	var names []string
	for {
		page, err := w.Spans(t.Context(), scope(w.Tenant), query)
		require.NoError(t, err)
		require.Len(t, page.Positions, len(page.Spans))
		shown := min(len(page.Spans), query.Limit)
		names = append(names, spanNames(page.Spans[:shown])...)
		if shown == len(page.Spans) {
			break
		}
		query.After = &page.Positions[shown-1]
	}
	require.Equal(t, []string{"child", "lone", "consume", "publish", "GET /", "add", "call cart", "GET /"}, names)

	page, err := w.Spans(t.Context(), scope(w.Tenant, is("service", "cart")), queryserver.SpanQuery{SpanFilter: queryserver.SpanFilter{In: day, Status: queryserver.ErrorStatus}, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []string{"add"}, spanNames(page.Spans))
	require.Len(t, page.Resources, 1)
}

func TestStore_SpanStatistics(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 1, id: 9, service: "secret", name: "canary"}))
	hour := queryserver.TimeRange{From: noon, To: noon.Add(time.Hour)}
	ask := func(seen queryserver.Scope, query queryserver.SpanStatisticsQuery) queryserver.SpanStatistics {
		query.In, query.Limit = hour, max(query.Limit, 1)
		got, err := w.SpanStatistics(t.Context(), seen, query)
		require.NoError(t, err)
		return got
	}
	all := ask(scope(w.Tenant), queryserver.SpanStatisticsQuery{})
	require.Len(t, all.Groups, 1)
	require.Equal(t, []queryserver.SpanStatistic{{
		Time: noon, Count: 6, Rate: 6.0 / 3600, Errors: 2, ErrorRate: 1.0 / 3,
		P50: 4e8, P90: 1.5e9, P95: 1.75e9, P99: 1.95e9,
	}}, all.Groups[0].Points)

	by := ask(scope(w.Tenant), queryserver.SpanStatisticsQuery{GroupBy: []string{"service", "team"}, Limit: 10, Step: time.Minute})
	require.False(t, by.Truncated)
	got := map[string][]uint64{}
	for _, group := range by.Groups {
		for _, point := range group.Points {
			key := fmt.Sprintf("%v%v", group.Values, point.Time.Sub(noon))
			got[key] = append(got[key], point.Count)
		}
	}
	require.Equal(t, map[string][]uint64{"[shop ]0s": {2}, "[shop ]1m0s": {1}, "[shop a]1m0s": {1}, "[cart b]0s": {1}, "[mail ]2m0s": {1}}, got)
	require.Equal(t, []string{"shop", ""}, by.Groups[0].Values, "most spans first")

	most := ask(scope(w.Tenant), queryserver.SpanStatisticsQuery{GroupBy: []string{"operation", "kind", "status"}, Limit: 2})
	require.True(t, most.Cut())
	require.Len(t, most.Groups, 2)
	require.Equal(t, []string{"GET /", "SERVER", "ERROR"}, most.Groups[0].Values)

	mine := ask(scope(w.Tenant, is("service", "cart")), queryserver.SpanStatisticsQuery{GroupBy: []string{"service"}, Limit: 10})
	require.Len(t, mine.Groups, 1)
	require.EqualValues(t, 1, mine.Groups[0].Points[0].Count)
}

func edges(found queryserver.ServiceMap) []string {
	all := []string{}
	for _, edge := range found.Edges {
		all = append(all, fmt.Sprintf("%s -> %s %s %d/%d", edge.Caller, edge.Callee, edge.Kind, edge.Errors, edge.Calls))
	}
	return all
}

// Rule 27: an edge to a service that a role does not see is not on its map.
func TestStore_ServiceMap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(
		oneSpan{trace: 1, id: 2, service: "secret", name: "canary", kind: 3}, oneSpan{trace: 1, id: 3, parent: 2, service: "canary", name: "canary", kind: 2}))
	got, err := w.ServiceMap(t.Context(), scope(w.Tenant), day)
	require.NoError(t, err)
	require.Equal(t, []string{"shop -> cart SERVER 1/1", "shop -> mail CONSUMER 0/1"}, edges(got))
	require.InDelta(t, 3e8, got.Edges[0].P95, 1)
	require.EqualValues(t, 1, got.SampledOneIn)
	for services, want := range map[[2]string][]string{{"shop", "mail"}: {"shop -> mail CONSUMER 0/1"}, {"shop"}: {}, {"cart", "mail"}: {}} {
		got, err := w.ServiceMap(t.Context(), scope(w.Tenant, is("service", services[:]...)), day)
		require.NoError(t, err)
		require.Equal(t, want, edges(got), services)
	}
	got, err = w.ServiceMap(t.Context(), scope(w.Tenant), queryserver.TimeRange{From: day.From, To: noon})
	require.NoError(t, err)
	require.Empty(t, got.Edges)
}

// Beyond the limit, whole traces are left out, and counts stand for them.
func TestStore_ServiceMap_Sampled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []oneSpan
	for i := range byte(200) {
		all = append(all, oneSpan{trace: i, id: 1, service: "shop", name: "call", kind: 3}, oneSpan{trace: i, id: 2, parent: 1, service: "cart", name: "add", kind: 2})
	}
	w.World.Traces(t, w.Tenant, spansFrom(all...))
	w.limits.MapSpans = 100
	got, err := w.ServiceMap(t.Context(), scope(w.Tenant), day)
	require.NoError(t, err)
	require.EqualValues(t, 4, got.SampledOneIn)
	require.Len(t, got.Edges, 1)
	require.Zero(t, got.Edges[0].Calls%4)
	require.InDelta(t, 200, float64(got.Edges[0].Calls), 80)
}

// An export gives every span of the range once, in order, whatever the windows are.
func TestStore_ExportSpans(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const many = exportSpans + 100
	var all []oneSpan
	for i := range many {
		all = append(all, oneSpan{trace: 1, id: 1, service: "busy", name: "x", after: time.Duration(i%50) * time.Second})
	}
	w.World.Traces(t, w.Tenant, spansFrom(all...))
	w.World.Traces(t, w.Tenant, shopTraces())
	w.World.Traces(t, w.Other, spansFrom(oneSpan{trace: 1, id: 9, service: "secret", name: "canary"}))
	export := func(seen queryserver.Scope, filter queryserver.SpanFilter) (services map[string]int) {
		services = make(map[string]int)
		last := time.Time{}
		filter.In = day
		require.NoError(t, w.ExportSpans(t.Context(), seen, filter, func(set queryserver.SpanSet) error {
			for _, span := range set.Spans {
				require.False(t, span.Start.Before(last))
				last = span.Start
				services[span.Service]++
			}
			return nil
		}))
		return services
	}
	require.Equal(t, map[string]int{"busy": many, "shop": 4, "cart": 3, "mail": 1}, export(scope(w.Tenant), queryserver.SpanFilter{}))
	require.Equal(t, map[string]int{"cart": 3}, export(scope(w.Tenant, is("service", "cart")), queryserver.SpanFilter{}))
	require.Equal(t, map[string]int{"cart": 1}, export(scope(w.Tenant), queryserver.SpanFilter{Operation: "add"}))
}
