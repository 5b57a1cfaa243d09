package clickhouse

import (
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// only drops the reading of a statement.
func only[T any](of func(queryserver.Scope, T) (*reading, chsql.Select, error), q T) func(queryserver.Scope) (chsql.Select, error) {
	return func(seen queryserver.Scope) (chsql.Select, error) {
		_, query, err := of(seen, q)
		return query, err
	}
}

func TestProm_Golden(t *testing.T) {
	t.Parallel()
	points := queryserver.PointsQuestion{In: goldenRange, Metrics: []string{"requests"}, Series: []uint64{1, 2}, Limit: 1000}
	found := queryserver.SeriesQuestion{In: goldenRange, Metrics: []string{"requests"}, Limit: 10, Conditions: []queryserver.SeriesCondition{
		{Texts: []queryserver.SeriesText{{Key: "code"}}, In: []string{"500", "503"}},
		{Texts: []queryserver.SeriesText{{Key: "path"}}, Like: "^(?s:/api/.*)$", Not: true},
		{Texts: []queryserver.SeriesText{{KeyLike: "^(?s:http[^a-zA-Z0-9]*method)$"}, {Resource: true, Key: "service.name"}}, In: []string{"it's"}},
	}}
	grid := queryserver.GridQuestion{
		Grid: queryserver.Grid{From: goldenRange.From.UnixMilli(), Step: 15_000, Steps: 240}, Window: 300_000,
		Metrics: []string{"requests"}, Series: []uint64{1, 2}, Groups: []uint32{0, 0},
	}
	of := statements{
		"families":  only(familiesQuery, goldenRange),
		"series":    only(seriesQuery, found),
		"bounds":    only(boundsQuery, points),
		"points":    only(pointsQuery, points),
		"exemplars": only(exemplarsQuery, points),
		"seen": func(seen queryserver.Scope) (chsql.Select, error) {
			_, query, err := seenQuery(seen, samples(), points, time.Minute)
			return query, err
		},
		"histograms": func(seen queryserver.Scope) (chsql.Select, error) {
			_, query, err := histogramsQuery(seen, points, queryserver.HistogramParts{Totals: true, Explicit: true, Exponential: true, Quantiles: true})
			return query, err
		},
	}
	for _, function := range []string{"rate", "increase", "delta", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time"} {
		q := grid
		q.Function = function
		of["grid_"+function] = only(gridQuery, q)
	}
	for _, aggregation := range []string{"sum", "avg", "min", "max", "count"} {
		q := grid
		q.Function, q.Aggregation = "rate", aggregation
		of["grid_"+aggregation+"_rate"] = only(gridQuery, q)
	}
	golden(t, "prom", of)
}
