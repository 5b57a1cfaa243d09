package clickhouse

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// fillRollups makes the roll-ups of the hour from the samples, and marks up to a time.
func (w *world) fillRollups(t *testing.T, until time.Time, version, complete int) {
	t.Helper()
	require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO metric_rollup_5m (workspace_id, tenant_id, metric_name, service_name, series_id, bucket, count, sum, min, max, last, increase, version, expires_at)
SELECT workspace_id, tenant_id, metric_name, any(service_name), series_id, toDateTime(toStartOfFiveMinutes(timestamp)) AS bucket, count(), sum(value), min(value), max(value), argMax(value, timestamp),
    sum(multiIf(previous_time = toDateTime64(0, 9, 'UTC'), 0, value < previous, value, value - previous)), ?, any(expires_at)
FROM (SELECT *, lagInFrame(value) OVER w AS previous, lagInFrame(timestamp) OVER w AS previous_time FROM metric_samples
    WINDOW w AS (PARTITION BY series_id ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))
WHERE timestamp >= ? AND timestamp < ? AND metric_name = 'hits' GROUP BY workspace_id, tenant_id, metric_name, series_id, bucket`, version, hour.From, until))
	for bucket := hour.From; bucket.Before(until); bucket = bucket.Add(rollupBucket) {
		w.mark(t, bucket, version, complete)
	}
}

func (w *world) mark(t *testing.T, bucket time.Time, version, complete int) {
	t.Helper()
	require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO metric_rollup_5m (workspace_id, tenant_id, metric_name, series_id, bucket, count, version, expires_at) VALUES (?, ?, '', 0, ?, ?, ?, ?)`,
		w.Tenant.Workspace.String(), w.Tenant.Tenant.String(), bucket, complete, version, noon.Add(30*24*time.Hour)))
}

// Roll-ups answer as far as marks prove them complete, with the numbers of the samples.
func TestQueryMetrics_Rule20_Rollups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, service := range []string{"shop", "cart"} {
		var points []at
		for i := range 240 {
			points = append(points, at{float64(i * 15), math.Mod(float64(i*i), 1000)}) // falls now and then
		}
		w.Metrics(t, w.Tenant, metricsOf(service).counter("hits", cumulative, time.Time{}, map[string]string{"method": "GET"}, points...).Metrics)
	}
	ask := func(aggregation queryserver.Aggregation, step time.Duration, alternatives ...[]queryserver.Predicate) map[string]map[int]float64 {
		return w.answer(t, queryserver.MetricQuery{MetricSelector: about("hits"), Aggregation: aggregation, Step: step, GroupBy: byService}, alternatives...)
	}
	aggregations := []queryserver.Aggregation{queryserver.AggregateAvg, queryserver.AggregateSum, queryserver.AggregateMin, queryserver.AggregateMax,
		queryserver.AggregateCount, queryserver.AggregateIncrease, queryserver.AggregateRate}
	shop := []queryserver.Predicate{{Dimension: "service", Values: []string{"shop"}}}
	want := make(map[queryserver.Aggregation]map[string]map[int]float64)
	for _, aggregation := range aggregations {
		want[aggregation] = ask(aggregation, 10*time.Minute)
	}
	same := func(how string) {
		t.Helper()
		for _, aggregation := range aggregations {
			got := ask(aggregation, 10*time.Minute)
			require.Len(t, got, 2)
			for service, buckets := range want[aggregation] {
				require.InDeltaMapValues(t, buckets, got[service], 1e-9, "%s %s", how, aggregation)
			}
			require.Len(t, ask(aggregation, 10*time.Minute, shop), 1, "within the view")
		}
	}
	r, err := read(scope(w.Tenant), queryserver.MetricsRead)
	require.NoError(t, err)
	complete := func(step time.Duration) time.Duration {
		until, err := w.rolledUp(t.Context(), r, asks(t, queryserver.MetricQuery{Aggregation: queryserver.AggregateAvg, Step: step}))
		require.NoError(t, err)
		return until.Sub(noon)
	}
	require.Zero(t, complete(10*time.Minute))
	w.fillRollups(t, noon.Add(35*time.Minute), 1, 1)
	require.Equal(t, 30*time.Minute, complete(10*time.Minute), "in whole steps")
	require.Equal(t, 35*time.Minute, complete(5*time.Minute))
	require.Zero(t, complete(time.Minute), "too fine for roll-ups")
	same("half")

	// They are what is read: a wrong one shows.
	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO metric_rollup_5m SELECT * REPLACE (version + 1 AS version, sum + 1000000 AS sum) FROM metric_rollup_5m WHERE metric_name = 'hits' AND bucket = ?", noon))
	require.InDelta(t, want[queryserver.AggregateSum]["shop"][0]+1e6, ask(queryserver.AggregateSum, 10*time.Minute)["shop"][0], 1e-9)
	w.fillRollups(t, noon.Add(35*time.Minute), 3, 1) // the newest version counts
	same("again")

	// Late data takes a mark away until its bucket is made again.
	w.mark(t, noon.Add(10*time.Minute), 4, 0)
	require.Equal(t, 10*time.Minute, complete(5*time.Minute))
	same("with a gap")
	w.fillRollups(t, hour.To, 5, 1)
	require.Equal(t, time.Hour, complete(10*time.Minute))
	same("all")
}
