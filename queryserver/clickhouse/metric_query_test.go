package clickhouse

import (
	"math"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestQueryMetrics_Gauge(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, metricsOf("shop").gauge("load", noon, 1, map[string]string{"cpu": "0"}).gauge("load", noon.Add(30*time.Second), 3, map[string]string{"cpu": "0"}).
		gauge("load", noon.Add(90*time.Second), 10, map[string]string{"cpu": "1"}).Metrics)
	w.Metrics(t, w.Tenant, metricsOf("cart").gauge("load", noon.Add(time.Minute), 7, nil).Metrics)
	w.Metrics(t, w.Other, metricsOf("secret").gauge("load", noon, 1e9, nil).Metrics)
	cpu := []queryserver.Label{{Origin: queryserver.AttributeLabel, Key: "cpu"}}
	for aggregation, want := range map[queryserver.Aggregation]map[string]map[int]float64{
		queryserver.AggregateAvg:   {"shop": {0: 2, 60: 10}, "cart": {60: 7}},
		queryserver.AggregateSum:   {"shop": {0: 4, 60: 10}, "cart": {60: 7}},
		queryserver.AggregateMin:   {"shop": {0: 1, 60: 10}, "cart": {60: 7}},
		queryserver.AggregateMax:   {"shop": {0: 3, 60: 10}, "cart": {60: 7}},
		queryserver.AggregateCount: {"shop": {0: 2, 60: 1}, "cart": {60: 1}},
		queryserver.AggregateLast:  {"shop": {0: 3, 60: 10}, "cart": {60: 7}},
	} {
		q := queryserver.MetricQuery{MetricSelector: about("load"), Aggregation: aggregation, Step: time.Minute, GroupBy: byService}
		require.Equal(t, want, w.answer(t, q), aggregation)
		q.GroupBy = cpu
		byCPU := w.answer(t, q)
		require.Equal(t, want["cart"], byCPU[""], "%s of points without the attribute", aggregation)
		require.Equal(t, map[int]float64{60: 10 - 9*btof(aggregation == queryserver.AggregateCount)}, byCPU["1"], aggregation)
	}
	instant := queryserver.MetricQuery{MetricSelector: about("load"), Aggregation: queryserver.AggregateAvg, Instant: true}
	require.Equal(t, map[string]map[int]float64{"": {0: 21. / 4}}, w.answer(t, instant))
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Rule 20: increases of cumulative counters are corrected for resets, those of the same
// data as delta are exact, and both are equal.
func TestQueryMetrics_Rule20_Increase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	start := noon.Add(-time.Second)
	// 10 from the start, 5 more, a restart with 3 and 4 more, a fall to 2 without a new start.
	w.Metrics(t, w.Tenant, metricsOf("cumulative").counter("hits", cumulative, start, nil, at{0, 10}, at{60, 15}).
		counter("hits", cumulative, noon.Add(90*time.Second), nil, at{120, 3}, at{180, 7}, at{240, 2}).Metrics)
	w.Metrics(t, w.Tenant, metricsOf("delta").counter("hits", delta, start, nil, at{0, 10}, at{60, 5}, at{120, 3}, at{180, 4}, at{240, 2}).Metrics)
	// Without a start, and with one long ago, a first point says nothing; after a long
	// silence neither.
	w.Metrics(t, w.Tenant, metricsOf("unknown").counter("hits", cumulative, time.Time{}, nil, at{0, 1000}, at{60, 1001}).Metrics)
	w.Metrics(t, w.Tenant, metricsOf("old").counter("hits", cumulative, noon.Add(-time.Hour), nil, at{0, 1000}, at{60, 1003}, at{1200, 5000}, at{1260, 5001}).Metrics)
	// The point before lies before the range.
	w.Metrics(t, w.Tenant, metricsOf("before").counter("hits", cumulative, time.Time{}, nil, at{-30, 100}, at{30, 106}).Metrics)
	q := queryserver.MetricQuery{MetricSelector: about("hits"), Aggregation: queryserver.AggregateIncrease, Step: time.Minute, GroupBy: byService}
	same := map[int]float64{0: 10, 60: 5, 120: 3, 180: 4, 240: 2}
	require.Equal(t, map[string]map[int]float64{
		"cumulative": same, "delta": same, "unknown": {0: 0, 60: 1}, "old": {0: 0, 60: 3, 1200: 0, 1260: 1}, "before": {0: 6},
	}, w.answer(t, q))
	q.Aggregation, q.Step = queryserver.AggregateRate, 5*time.Minute
	require.Equal(t, map[string]map[int]float64{
		"cumulative": {0: 24. / 300}, "delta": {0: 24. / 300}, "unknown": {0: 1. / 300}, "old": {0: 3. / 300, 1200: 1. / 300}, "before": {0: 6. / 300},
	}, w.answer(t, q))
	q.GroupBy, q.Instant = nil, true
	require.Equal(t, map[string]map[int]float64{"": {0: (24 + 24 + 1 + 4 + 6) / 3600.}}, w.answer(t, q))
}

// Points without a value and NaN do not count as values or as resets; infinities stay.
func TestQueryMetrics_NoValue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := metricsOf("shop").counter("hits", cumulative, time.Time{}, nil, at{0, 5}, at{30, 0}, at{60, math.NaN()}, at{120, 9})
	points := b.scope.Metrics().At(0).Sum().DataPoints()
	points.At(1).SetFlags(points.At(1).Flags().WithNoRecordedValue(true))
	b.gauge("load", noon, math.Inf(1), nil).gauge("load", noon.Add(time.Minute), math.NaN(), nil)
	w.Metrics(t, w.Tenant, b.Metrics)
	q := queryserver.MetricQuery{MetricSelector: about("hits"), Aggregation: queryserver.AggregateIncrease, Instant: true}
	require.Equal(t, map[string]map[int]float64{"": {0: 4}}, w.answer(t, q))
	q.Aggregation, q.Instant, q.Step = queryserver.AggregateCount, false, time.Minute
	require.Equal(t, map[string]map[int]float64{"": {0: 1, 60: 1, 120: 1}}, w.answer(t, q))
	q.MetricSelector, q.Aggregation = about("load"), queryserver.AggregateAvg
	got := w.answer(t, q)[""]
	require.True(t, math.IsInf(got[0], 1))
	require.True(t, math.IsNaN(got[60]))
}

// The data-flow document's query, as it is written there, gives the same numbers.
func TestQueryMetrics_HourlyAverage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	batches := []*batch{metricsOf("shop"), metricsOf("cart")}
	for i := range 50 {
		batches[i%2].gauge([]string{"load", "heat", "noise"}[i%3], noon.Add(time.Duration(i*7)*time.Minute), float64(i*i), nil)
	}
	for _, b := range batches {
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	w.Metrics(t, w.Other, metricsOf("shop").gauge("load", noon, 1e9, nil).Metrics)
	const document = `SELECT
  service_name,
  metric_name,
  avg(value) as avg_value,
  toStartOfHour(timestamp) as hour
FROM metrics_v3
WHERE workspace_id = {workspaceId:String}
  AND tenant_id = {tenantId:String}
  AND timestamp >= {startTime:DateTime64(9)}
  AND timestamp <= {endTime:DateTime64(9)}
GROUP BY service_name, metric_name, hour
ORDER BY hour DESC;`
	type row struct {
		service, metric string
		hour            int64
	}
	const layout = "2006-01-02 15:04:05"
	rows, err := w.conn.Query(clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{
		"workspaceId": w.Tenant.Workspace.String(), "tenantId": w.Tenant.Tenant.String(),
		"startTime": day.From.Format(layout), "endTime": day.To.Format(layout),
	})), document)
	require.NoError(t, err)
	defer rows.Close()
	want := make(map[row]float64)
	for rows.Next() {
		var r row
		var average float64
		var at time.Time
		require.NoError(t, rows.Scan(&r.service, &r.metric, &average, &at))
		r.hour = at.Unix()
		want[r] = average
	}
	require.NoError(t, rows.Err())
	require.Greater(t, len(want), 20)

	result, err := w.QueryMetrics(t.Context(), scope(w.Tenant), asks(t, queryserver.MetricQuery{
		MetricSelector: queryserver.MetricSelector{In: day}, Aggregation: queryserver.AggregateAvg, Step: time.Hour, GroupBy: byService,
	}))
	require.NoError(t, err)
	got := make(map[row]float64)
	for _, series := range result.Series {
		for _, bucket := range series.Buckets {
			got[row{series.Labels["service"], series.Metric, bucket.Time.Unix()}] = float64(bucket.Value)
		}
	}
	require.Equal(t, want, got)
}

func TestQueryMetrics_Limit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, service := range []string{"c", "a", "b"} {
		w.Metrics(t, w.Tenant, metricsOf(service).gauge("load", noon, 1, nil).Metrics)
	}
	q := asks(t, queryserver.MetricQuery{MetricSelector: about("load"), Aggregation: queryserver.AggregateAvg, GroupBy: byService, Limit: 2})
	result, err := w.QueryMetrics(t.Context(), scope(w.Tenant), q)
	require.NoError(t, err)
	require.True(t, result.Cut())
	require.Len(t, result.Series, 2)
	require.Equal(t, "a", result.Series[0].Labels["service"])
	require.Equal(t, "b", result.Series[1].Labels["service"])
}

func TestMetricQuery_Prepare(t *testing.T) {
	t.Parallel()
	fails := func(field string, q queryserver.MetricQuery) {
		t.Helper()
		if q.In.From.IsZero() {
			q.In = hour
		}
		_, err := q.Prepare()
		var known *queryserver.Error
		require.ErrorAs(t, err, &known)
		require.Equal(t, queryserver.Invalid, known.Code)
		require.Equal(t, field, known.Fields[0].Location)
	}
	average := queryserver.AggregateAvg
	fails("aggregation", queryserver.MetricQuery{Aggregation: "median"})
	fails("metric", queryserver.MetricQuery{Aggregation: queryserver.AggregateRate})
	fails("quantile", queryserver.MetricQuery{MetricSelector: about("x"), Aggregation: queryserver.AggregateQuantile, Quantile: math.NaN()})
	fails("quantile", queryserver.MetricQuery{MetricSelector: about("x"), Aggregation: queryserver.AggregateQuantile, Quantile: 1.1})
	fails("step", queryserver.MetricQuery{Aggregation: average, Step: time.Second})
	fails("step", queryserver.MetricQuery{Aggregation: average, Step: 1500 * time.Millisecond})
	fails("step", queryserver.MetricQuery{Aggregation: average, Step: -time.Minute})
	match := func(operator queryserver.MatchOperator, values ...string) queryserver.MetricQuery {
		return queryserver.MetricQuery{MetricSelector: queryserver.MetricSelector{In: hour, Match: []queryserver.LabelMatch{{Label: byService[0], Operator: operator, Values: values}}}, Aggregation: average}
	}
	fails("match[0]", match(queryserver.MatchRegex, "("))
	fails("match[0]", match(queryserver.MatchRegex, "(?=a)b"))
	fails("match[0]", match(queryserver.MatchNotRegex, `(a)\1`))
	fails("match[0]", match(queryserver.MatchPrefix, "a", "b"))
	fails("match[0]", match(queryserver.MatchIn))
	fails("match[0]", match("like", "a"))

	q, err := queryserver.MetricQuery{MetricSelector: queryserver.MetricSelector{In: queryserver.TimeRange{From: noon.Add(7 * time.Second), To: noon.Add(3607 * time.Second)}}, Aggregation: average}.Prepare()
	require.NoError(t, err)
	require.Equal(t, 15*time.Second, q.Step)
	require.Equal(t, noon, q.In.From)
	require.Equal(t, noon.Add(3615*time.Second), q.In.To)
}
