package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestMetricNames(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, metricsOf("shop").gauge("cpu.load", noon, 1, nil).counter("cpu.time", cumulative, noon, nil, at{0, 1}).Metrics)
	w.Metrics(t, w.Tenant, newBatch(map[string]string{"service.name": "cart", "host.name": "h"}).gauge("cpu.load", noon, 1, nil).gauge("disk", noon.Add(-48*time.Hour), 1, nil).Metrics)
	w.Metrics(t, w.Other, metricsOf("secret").gauge("canary", noon, 1, nil).Metrics)
	ask := func(q queryserver.MetricList, alternatives ...[]queryserver.Predicate) []string {
		if q.In.From.IsZero() {
			q.In = day
		}
		if q.Limit == 0 {
			q.Limit = 50
		}
		rows, err := w.MetricNames(t.Context(), scope(w.Tenant, alternatives...), q)
		require.NoError(t, err)
		got := []string{}
		for _, row := range rows {
			require.Equal(t, "By", row.Unit)
			require.Equal(t, "of "+row.Name, row.Description)
			got = append(got, fmt.Sprint(row.Name, " ", row.Kind, " ", row.Services))
		}
		return got
	}
	require.Equal(t, []string{"cpu.load gauge [cart shop]", "cpu.time sum [shop]"}, ask(queryserver.MetricList{}))
	require.Equal(t, []string{"cpu.load gauge [cart]"}, ask(queryserver.MetricList{Services: []string{"cart"}}))
	require.Equal(t, []string{"cpu.time sum [shop]"}, ask(queryserver.MetricList{Prefix: "cpu.t"}))
	require.Equal(t, []string{"cpu.time sum [shop]"}, ask(queryserver.MetricList{After: &queryserver.MetricName{Name: "cpu.load", Kind: "gauge"}}))
	require.Equal(t, []string{"cpu.load gauge [cart]", "disk gauge [cart]"}, ask(queryserver.MetricList{In: queryserver.TimeRange{From: noon.Add(-72 * time.Hour), To: day.To}},
		[]queryserver.Predicate{{Dimension: "host.name", Values: []string{"h"}}}), "from the series, as the list lacks hosts")
	require.Equal(t, []string{"cpu.load gauge [shop]", "cpu.time sum [shop]"}, ask(queryserver.MetricList{}, []queryserver.Predicate{{Dimension: "service", Values: []string{"shop"}}}))
}

func TestMetricLabels(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 4 {
		resource := map[string]string{"service.name": "shop", "deployment.environment": "staging"}
		w.Metrics(t, w.Tenant, newBatch(resource).gauge("load", noon, 1, map[string]string{"cpu": strconv.Itoa(i), "mode": []string{"user", "idle"}[i/3]}).Metrics)
	}
	w.Metrics(t, w.Tenant, metricsOf("cart").gauge("heat", noon, 1, map[string]string{"zone": "z"}).Metrics)
	w.Metrics(t, w.Other, metricsOf("secret").gauge("load", noon, 1, map[string]string{"canary": "c"}).Metrics)
	ask := func(read func(context.Context, queryserver.Scope, queryserver.MetricLabels) (queryserver.MetricLabelList, error), q queryserver.MetricLabels, alternatives ...[]queryserver.Predicate) map[string]uint64 {
		q.In = day
		if q.Limit == 0 {
			q.Limit = 50
		}
		list, err := read(t.Context(), scope(w.Tenant, alternatives...), q)
		require.NoError(t, err)
		counts := make(map[string]uint64)
		for _, item := range list.Items {
			counts[item.Name] = item.Series
		}
		require.Equal(t, len(list.Items) == q.Limit, list.Truncated)
		return counts
	}
	require.Equal(t, map[string]uint64{
		"service": 5, "environment": 4, "resource.service.name": 5, "resource.deployment.environment": 4, "attributes.cpu": 4, "attributes.mode": 4, "attributes.zone": 1,
	}, ask(w.MetricLabels, queryserver.MetricLabels{}))
	require.Equal(t, map[string]uint64{"attributes.cpu": 4, "attributes.mode": 4},
		ask(w.MetricLabels, queryserver.MetricLabels{MetricSelector: queryserver.MetricSelector{Metrics: []string{"load"}}, Prefix: "attributes."}))
	mode := queryserver.Label{Origin: queryserver.AttributeLabel, Key: "mode"}
	require.Equal(t, map[string]uint64{"user": 3, "idle": 1}, ask(w.MetricLabelValues, queryserver.MetricLabels{Label: mode}))
	require.Equal(t, map[string]uint64{"user": 3}, ask(w.MetricLabelValues, queryserver.MetricLabels{Label: mode, Limit: 1}))
	require.Equal(t, map[string]uint64{"shop": 4}, ask(w.MetricLabelValues, queryserver.MetricLabels{Label: byService[0]}, []queryserver.Predicate{{Dimension: "environment", Values: []string{"staging"}}}))
	require.Equal(t, map[string]uint64{"staging": 4}, ask(w.MetricLabelValues, queryserver.MetricLabels{Label: queryserver.Label{Origin: queryserver.EnvironmentLabel}}))
}

func TestMetricSeries_Pages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 9 {
		w.Metrics(t, w.Tenant, metricsOf("shop").gauge([]string{"a", "b"}[i%2], noon, 1, map[string]string{"i": strconv.Itoa(i)}).Metrics)
		w.Metrics(t, w.Tenant, metricsOf("shop").gauge([]string{"a", "b"}[i%2], noon.Add(-24*time.Hour), 1, map[string]string{"i": strconv.Itoa(i)}).Metrics)
	}
	q := queryserver.MetricSeriesPage{MetricSelector: queryserver.MetricSelector{In: queryserver.TimeRange{From: noon.Add(-48 * time.Hour), To: day.To}}, Limit: 4}
	var got []string
	for {
		rows, err := w.MetricSeries(t.Context(), scope(w.Tenant), q)
		require.NoError(t, err)
		for _, row := range rows[:min(4, len(rows))] {
			got = append(got, row.Metric+row.Attributes["i"])
			q.After = &queryserver.SeriesPosition{Metric: row.Metric, Series: uint64(row.ID)}
		}
		if len(rows) <= 4 {
			break
		}
	}
	require.ElementsMatch(t, []string{"a0", "b1", "a2", "b3", "a4", "b5", "a6", "b7", "a8"}, got)
}
