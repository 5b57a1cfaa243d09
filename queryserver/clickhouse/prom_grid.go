package clickhouse

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// EvaluateGrid is that of queryserver.SeriesReader.
func (s *Store) EvaluateGrid(ctx context.Context, scope queryserver.Scope, q queryserver.GridQuestion) ([]queryserver.GridRow, bool, error) {
	if len(q.Series) > idsInText/2 || len(q.Series) != len(q.Groups) {
		return nil, false, nil
	}
	r, query, err := gridQuery(scope, q)
	if err != nil || query.From.IsZero() {
		return nil, false, err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"allow_experimental_time_series_aggregate_functions": 1}))
	exact := true
	rows, err := collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.GridRow) error {
		var odd uint64
		if err := rows.Scan(&into.Group, &into.Values, &odd); err != nil {
			return err
		}
		exact = exact && odd == 0
		for _, value := range into.Values {
			exact = exact && (value == nil || !math.IsNaN(*value) && !math.IsInf(*value, 0))
		}
		return nil
	})
	return rows, exact, err
}

// gridQuery has a row for each group: its values on the grid, and how often something was
// odd. It is the zero Select for what it cannot answer.
func gridQuery(scope queryserver.Scope, q queryserver.GridQuestion) (*reading, chsql.Select, error) {
	to := q.From + int64(q.Steps-1)*q.Step
	r, query, err := pointsOf(scope, samples(), queryserver.PointsQuestion{
		In:      queryserver.TimeRange{From: time.UnixMilli(max(0, q.From-q.Window+1)), To: time.UnixMilli(to + 1)},
		Metrics: q.Metrics, Series: q.Series,
	})
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Where = append(query.Where, chsql.SQL("bitAnd(flags, ?) = 0", chsql.Int64(noValue)))
	perSeries := gridOfRates(query, q)
	if perSeries.From.IsZero() {
		perSeries = gridOfWindows(query, q)
	}
	aggregate := aggregateOf(q.Aggregation)
	if perSeries.From.IsZero() || aggregate.IsZero() {
		return r, chsql.Select{}, nil
	}
	groups := make([]uint64, len(q.Groups))
	for i, group := range q.Groups {
		groups[i] = uint64(group)
	}
	return r, chsql.Select{
		Columns: chsql.List{
			chsql.SQL("toUInt32(transform(series_id, ?, ?, toUInt64(0))) AS grp", chsql.UInt64s(q.Series), chsql.UInt64s(groups)),
			aggregate, oddOf(q.Aggregation),
		},
		From:    chsql.SQL("(?)", perSeries.Expr()),
		GroupBy: chsql.List{chsql.SQL("grp")},
	}, nil
}

// aggregateOf aggregates position by position; series without a value at one do not count.
func aggregateOf(aggregation string) chsql.Expr {
	switch aggregation {
	case "":
		return chsql.SQL("any(grid)")
	case "sum":
		return chsql.SQL("sumKahanForEach(grid)")
	case "avg":
		return chsql.SQL("arrayMap((s, n) -> if(n = 0, NULL, s / n), sumKahanForEach(grid), countForEach(grid))")
	case "min":
		return chsql.SQL("minForEach(grid)")
	case "max":
		return chsql.SQL("maxForEach(grid)")
	case "count":
		return chsql.SQL("arrayMap(n -> if(n = 0, NULL, toFloat64(n)), countForEach(grid))")
	}
	return chsql.Expr{}
}

// oddOf counts what makes an answer inexact: samples that are not finite or so large that
// sums of them might not be, and sums of which parts cancel out.
func oddOf(aggregation string) chsql.Expr {
	if aggregation == "sum" || aggregation == "avg" {
		return chsql.SQL("sum(odd) + arrayCount((a, b) -> ifNull(a < 0 AND b > 0, false), minForEach(grid), maxForEach(grid))")
	}
	return chsql.SQL("sum(odd)")
}

// oddValue is true of NaN too, which is not less than anything.
func oddValue() chsql.Expr { return chsql.SQL("countIf(NOT (abs(value) < 1e150))") }

// gridOfRates leaves Prometheus' extrapolation to the engine's own functions.
func gridOfRates(query chsql.Select, q queryserver.GridQuestion) chsql.Select {
	on := chsql.SQL("fromUnixTimestamp64Milli(?, 'UTC'), fromUnixTimestamp64Milli(?, 'UTC'), toDecimal64(?, 3), toDecimal64(?, 3)",
		chsql.Int64(q.From), chsql.Int64(q.From+int64(q.Steps-1)*q.Step), seconds(max(q.Step, 1)), seconds(q.Window))
	var function chsql.Expr
	switch q.Function {
	case "rate":
		function = chsql.SQL("timeSeriesRateToGrid(?)(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(timestamp), 'UTC'), value)", on)
	case "increase":
		function = chsql.SQL("timeSeriesIncreaseToGrid(?)(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(timestamp), 'UTC'), value)", on)
	case "delta":
		function = chsql.SQL("timeSeriesDeltaToGrid(?)(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(timestamp), 'UTC'), value)", on)
	default:
		return chsql.Select{}
	}
	query.Columns = chsql.List{chsql.SQL("series_id"), chsql.SQL("? AS grid", function), chsql.SQL("? AS odd", oddValue())}
	query.GroupBy = chsql.List{chsql.SQL("series_id")}
	return query
}

// gridOfWindows gives each sample to the windows that it lies in.
func gridOfWindows(query chsql.Select, q queryserver.GridQuestion) chsql.Select {
	var function chsql.Expr
	odd := chsql.SQL("sum(o)")
	switch q.Function {
	case "sum_over_time":
		function, odd = chsql.SQL("sumKahan(v)"), chsql.SQL("sum(o) + (min(v) < 0 AND max(v) > 0)")
	case "avg_over_time":
		function, odd = chsql.SQL("sumKahan(v) / count()"), chsql.SQL("sum(o) + (min(v) < 0 AND max(v) > 0)")
	case "min_over_time":
		function = chsql.SQL("min(v)")
	case "max_over_time":
		function = chsql.SQL("max(v)")
	case "count_over_time":
		function = chsql.SQL("toFloat64(count())")
	case "last_over_time":
		function = chsql.SQL("argMax(v, ms)")
	default:
		return chsql.Select{}
	}
	// Of several samples in a millisecond, the greatest counts.
	query.Columns = chsql.List{chsql.SQL("series_id"), chsql.SQL("toUnixTimestamp64Milli(timestamp) AS ms"), chsql.SQL("max(value) AS v"), chsql.SQL("? AS o", oddValue())}
	query.GroupBy = chsql.List{chsql.SQL("series_id"), chsql.SQL("ms")}
	from, step, window, steps := chsql.Int64(q.From), chsql.Int64(max(q.Step, 1)), chsql.Int64(q.Window), chsql.Int64(int64(q.Steps))
	windows := chsql.Select{
		Columns: chsql.List{
			chsql.SQL("series_id"),
			chsql.SQL("arrayJoin(range(greatest(0, toInt64(ceil((ms - ?) / ?))), least(?, toInt64(ceil((ms - ? + ?) / ?))))) AS position", from, step, steps, from, window, step),
			chsql.SQL("? AS value", function), chsql.SQL("? AS odds", odd),
		},
		From:    chsql.SQL("(?)", query.Expr()),
		GroupBy: chsql.List{chsql.SQL("series_id"), chsql.SQL("position")},
	}
	return chsql.Select{
		Columns: chsql.List{
			chsql.SQL("series_id"),
			chsql.SQL("arrayMap(x -> if(isNaN(x), NULL, x), groupArrayInsertAt(nan, ?)(value, toUInt32(position))) AS grid", chsql.UInt64(uint64(q.Steps))), chsql.SQL("sum(odds) AS odd"),
		},
		From:    chsql.SQL("(?)", windows.Expr()),
		GroupBy: chsql.List{chsql.SQL("series_id")},
	}
}

// seconds of milliseconds, as the text of a decimal.
func seconds(ms int64) chsql.Value {
	return chsql.String(strconv.FormatInt(ms/1000, 10) + fmt.Sprintf(".%03d", ms%1000))
}
