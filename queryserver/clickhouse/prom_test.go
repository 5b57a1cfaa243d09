package clickhouse

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// counter makes a cumulative sum of a service with points of a second each.
func counter(name, service string, attributes map[string]string, at time.Time, values ...float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	r := md.ResourceMetrics().AppendEmpty()
	r.Resource().Attributes().PutStr("service.name", service)
	m := r.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for i, value := range values {
		p := sum.DataPoints().AppendEmpty()
		put(p.Attributes(), attributes)
		p.SetTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(i) * 10 * time.Second)))
		p.SetDoubleValue(value)
	}
	return md
}

// The rates are Prometheus' own, as test/promql finds them by its engine; the windows can be
// counted by hand.
func TestEvaluateGrid(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, counter("requests", "shop", map[string]string{"code": "200"}, noon, 0, 10, 20, 30, 5, 15, 25))
	w.Metrics(t, w.Tenant, counter("requests", "shop", map[string]string{"code": "500"}, noon, 1, 1, 2, 3, 5, 8, 13))
	found, err := w.FindSeries(t.Context(), scope(w.Tenant), queryserver.SeriesQuestion{In: day, Metrics: []string{"requests"}})
	require.NoError(t, err)
	require.Len(t, found, 2)
	none := math.NaN()
	for _, c := range []struct {
		function, aggregation string
		want                  []float64
	}{
		{"increase", "sum", []float64{none, 15, 33, 27, 37}},
		{"rate", "max", []float64{none, 0.5, 1, 0.75, 25. / 30}},
		{"increase", "count", []float64{none, 2, 2, 2, 2}},
		{"min_over_time", "min", []float64{0, 0, 1, 2, 5}},
		{"max_over_time", "max", []float64{1, 10, 30, 30, 25}},
		{"last_over_time", "sum", []float64{1, 11, 33, 10, 38}},
		{"count_over_time", "avg", []float64{1, 2, 3, 3, 3}},
		{"sum_over_time", "sum", []float64{1, 12, 66, 65, 71}},
	} {
		rows, exact, err := w.EvaluateGrid(t.Context(), scope(w.Tenant), queryserver.GridQuestion{
			Grid: queryserver.Grid{From: noon.UnixMilli(), Step: 15_000, Steps: len(c.want)}, Window: 30_000, Function: c.function, Aggregation: c.aggregation,
			Metrics: []string{"requests"}, Series: []uint64{found[0].ID, found[1].ID}, Groups: []uint32{0, 0},
		})
		require.NoError(t, err)
		require.True(t, exact)
		require.Len(t, rows, 1)
		require.Len(t, rows[0].Values, len(c.want))
		for i, want := range c.want {
			if math.IsNaN(want) {
				require.Nil(t, rows[0].Values[i], c.function)
				continue
			}
			require.NotNil(t, rows[0].Values[i], c.function)
			require.InEpsilon(t, want+1, *rows[0].Values[i]+1, 1e-9, "%s %s at %d", c.aggregation, c.function, i)
		}
	}
}

// Sums of which parts cancel out, and what is not finite, are left to the caller.
func TestEvaluateGrid_Inexact(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, values := range map[string][]float64{"opposite": {1e17, 1, -1e17}, "infinite": {1, math.Inf(1), 2}, "nan": {1, math.NaN()}, "large": {1e200, 2e200}} {
		w.Metrics(t, w.Tenant, counter(name, "shop", nil, noon, values...))
		found, err := w.FindSeries(t.Context(), scope(w.Tenant), queryserver.SeriesQuestion{In: day, Metrics: []string{name}})
		require.NoError(t, err)
		require.Len(t, found, 1)
		_, exact, err := w.EvaluateGrid(t.Context(), scope(w.Tenant), queryserver.GridQuestion{
			Grid: queryserver.Grid{From: noon.Add(time.Minute).UnixMilli(), Steps: 1}, Window: 120_000, Function: "sum_over_time", Aggregation: "sum",
			Metrics: []string{name}, Series: []uint64{found[0].ID}, Groups: []uint32{0},
		})
		require.NoError(t, err)
		require.False(t, exact, name)
	}
}

// Rule 27 holds for all that PromQL reads.
func TestProm_Filter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, counter("requests", "shop", map[string]string{"team": "a"}, noon, 1, 2, 3))
	w.Metrics(t, w.Tenant, counter("secret", "bank", map[string]string{"team": "b"}, noon, 1, 2, 3))
	w.Metrics(t, w.Other, counter("foreign", "shop", map[string]string{"team": "a"}, noon, 1, 2, 3))
	everything, err := w.FindSeries(t.Context(), scope(w.Tenant), queryserver.SeriesQuestion{In: day})
	require.NoError(t, err)
	require.Len(t, everything, 2)
	ids := []uint64{everything[0].ID, everything[1].ID}
	points := queryserver.PointsQuestion{In: day, Metrics: []string{"requests", "secret", "foreign"}, Series: ids}
	for _, seen := range []queryserver.Scope{
		scope(w.Tenant, []queryserver.Predicate{{Dimension: "service", Values: []string{"shop"}}}),
		scope(w.Tenant, []queryserver.Predicate{{Dimension: "team", Values: []string{"a"}}}),
	} {
		families, err := w.SeriesFamilies(t.Context(), seen, day)
		require.NoError(t, err)
		require.Len(t, families, 1)
		require.Equal(t, "requests", families[0].Name)
		found, err := w.FindSeries(t.Context(), seen, queryserver.SeriesQuestion{In: day})
		require.NoError(t, err)
		require.Len(t, found, 1)
		read := 0
		require.NoError(t, w.ReadPoints(t.Context(), seen, points, func(p queryserver.Point) {
			require.Equal(t, found[0].ID, p.Series)
			read++
		}))
		require.Equal(t, 3, read)
		whens, err := w.SeriesSeen(t.Context(), seen, points, time.Hour)
		require.NoError(t, err)
		require.Len(t, whens, 1)
		rows, _, err := w.EvaluateGrid(t.Context(), seen, queryserver.GridQuestion{
			Grid: queryserver.Grid{From: noon.Add(time.Minute).UnixMilli(), Steps: 1}, Window: 120_000, Function: "count_over_time", Aggregation: "count",
			Metrics: points.Metrics, Series: ids, Groups: []uint32{0, 0},
		})
		require.NoError(t, err)
		require.InEpsilon(t, 1, *rows[0].Values[0], 1e-9)
	}
	_, err = w.SeriesFamilies(t.Context(), queryserver.Scope{}, day)
	require.Equal(t, queryserver.Forbidden, queryserver.CodeOf(err))
}
