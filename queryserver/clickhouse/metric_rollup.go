package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// rollupBucket is what a row of metric_rollup_5m is of.
const rollupBucket = 5 * time.Minute

// rolledUp is the time up to which roll-ups can answer from the beginning of a query's
// range, in whole steps. A bucket of five minutes is complete when its mark says so: the
// row without a metric's name and of series 0, with a count above 0 in its newest version.
// Who fills the roll-ups writes the mark after the rows, and one with count 0 when late
// data has come.
func (s *Store) rolledUp(ctx context.Context, r *reading, q queryserver.MetricQuery) (time.Time, error) {
	none := q.In.From
	if q.Step%rollupBucket != 0 || q.Instant || q.Aggregation == queryserver.AggregateLast {
		return none, nil
	}
	query, err := r.marksQuery(q)
	if err != nil {
		return none, err
	}
	counts, err := collect(ctx, s, r, query, func(rows driver.Rows, into *uint64) error { return rows.Scan(into) })
	if err != nil || len(counts) == 0 {
		return none, err
	}
	complete := time.Duration(counts[0]) * rollupBucket
	return none.Add(complete.Truncate(q.Step)), nil
}

// marksQuery counts the marks from the beginning of the range to the first gap. Marks hold
// nothing that anybody may not see.
func (r *reading) marksQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	marks, err := (&reading{in: r.in}).of(rollups())
	if err != nil {
		return marks, err
	}
	marks.Columns = chsql.List{chsql.SQL("toInt64(toUnixTimestamp(bucket)) AS second")}
	marks.Where = append(marks.Where, chsql.SQL("metric_name = '' AND series_id = 0"), rollupsWithin(q.In))
	marks.GroupBy = chsql.List{chsql.SQL("bucket")}
	marks.Having = chsql.SQL("argMax(count, version) > 0")
	return chsql.Select{
		Columns: chsql.List{chsql.SQL("toUInt64(length(arrayFilter((second, number) -> second = ? + 300 * (toInt64(number) - 1), arraySort(groupArray(second)) AS seconds, arrayEnumerate(seconds))))", chsql.Int64(q.In.From.Unix()))},
		From:    chsql.SQL("(?)", marks.Expr()),
	}, nil
}

func rollupsWithin(in queryserver.TimeRange) chsql.Expr {
	return chsql.SQL("bucket >= ? AND bucket < ?", chsql.Time(in.From), chsql.Time(in.To))
}

// rollupQuery aggregates roll-ups, of each bucket the newest version.
func (r *reading) rollupQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	newest, err := r.points(rollups(), q.MetricSelector)
	if err != nil {
		return newest, err
	}
	newest.Columns = chsql.List{chsql.SQL("metric_name"), chsql.SQL("service_name"), chsql.SQL("series_id"), chsql.SQL("bucket"),
		chsql.SQL("count"), chsql.SQL("sum"), chsql.SQL("min"), chsql.SQL("max"), chsql.SQL("increase")}
	newest.Where = append(newest.Where, chsql.SQL("series_id != 0"), rollupsWithin(q.In))
	newest.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("bucket"), chsql.SQL("version DESC")}
	newest.LimitBy = chsql.SQL("1 BY metric_name, series_id, bucket")
	points := chsql.Select{From: chsql.SQL("(?)", newest.Expr())}
	number := chsql.SQL("intDiv(toInt64(toUnixTimestamp(bucket)) - ?, ?)", chsql.Int64(q.In.From.Unix()), chsql.Int64(int64(q.Step/time.Second)))
	switch q.Aggregation {
	case queryserver.AggregateSum:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("sum(sum) AS part")}, chsql.SQL("sum(part)"))
	case queryserver.AggregateMin:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("min(min) AS part")}, chsql.SQL("min(part)"))
	case queryserver.AggregateMax:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("max(max) AS part")}, chsql.SQL("max(part)"))
	case queryserver.AggregateCount:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("sum(count) AS part")}, chsql.SQL("toFloat64(sum(part))"))
	case queryserver.AggregateIncrease, queryserver.AggregateRate:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("sum(increase) AS part")}, chsql.SQL("sum(part) / ?", chsql.Float64(divisor(q))))
	default:
		return r.groupedBy(q, points, number, chsql.List{chsql.SQL("sum(sum) AS part"), chsql.SQL("sum(count) AS part_count")}, chsql.SQL("sum(part) / sum(part_count)"))
	}
}
