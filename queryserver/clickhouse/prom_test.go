package clickhouse

import (
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

func TestEvaluateGrid(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, counter("requests", "shop", map[string]string{"code": "200"}, noon, 0, 10, 20, 30, 5, 15, 25))
	w.Metrics(t, w.Tenant, counter("requests", "shop", map[string]string{"code": "500"}, noon, 1, 1, 2, 3, 5, 8, 13))
	found, err := w.FindSeries(t.Context(), scope(w.Tenant), queryserver.SeriesQuestion{In: day, Metrics: []string{"requests"}})
	require.NoError(t, err)
	require.Len(t, found, 2)
	for _, function := range []string{"rate", "increase", "delta", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time"} {
		for _, aggregation := range []string{"", "sum", "avg", "min", "max", "count"} {
			for _, steps := range []int{1, 5} {
				q := queryserver.GridQuestion{
					Grid: queryserver.Grid{From: noon.UnixMilli(), Step: 15000, Steps: steps}, Window: 30000, Function: function, Aggregation: aggregation,
					Metrics: []string{"requests"}, Series: []uint64{found[0].ID, found[1].ID}, Groups: []uint32{0, 1},
				}
				if steps == 1 { q.Step = 0 }
				if aggregation != "" { q.Groups[1] = 0 }
				rows, exact, err := w.EvaluateGrid(t.Context(), scope(w.Tenant), q)
				require.NoError(t, err)
				require.True(t, exact)
				for _, row := range rows {
					require.Len(t, row.Values, steps)
					s := []any{}
					for _, v := range row.Values { if v == nil { s = append(s, nil) } else { s = append(s, *v) } }
					t.Log(function, aggregation, row.Group, s)
				}
			}
		}
	}
}
