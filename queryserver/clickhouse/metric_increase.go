package clickhouse

import (
	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// How much of a cumulative data point is new is its difference to the point before it, or
// all of it after a reset. In mode
//
//	1  all of it counts: delta; a new start that lies after the point before; a counter
//	   that fell; or a first point, when it says that its series began just before;
//	2  the difference to the point before counts;
//	0  nothing is known: no point within MetricLookBack before it.
//
// The increase belongs to the bucket of the later point, so that the increases of all
// buckets add up. Gauges and sums that may fall have differences and no resets by value.

// increasesQuery gives the increase, or the rate, of gauges and sums.
func (r *reading) increasesQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	points, err := r.pairs(samples(), q, chsql.SQL("value"))
	if err != nil {
		return points, err
	}
	points.Columns = append(points.Columns, chsql.SQL("value"), chsql.SQL("lagInFrame(value) OVER ? AS previous", frame(chsql.SQL("value"))))
	points.Where = append(points.Where, chsql.SQL("NOT isNaN(value)"))
	reset := chsql.SQL("is_monotonic AND value < previous")
	increase := chsql.SQL("sum(multiIf(mode = 1, value, mode = 2, value - previous, 0))")
	return r.increments(q, points, reset, chsql.SQL("? / ?", increase, chsql.Float64(divisor(q))))
}

// divisor is what an increase is divided by.
func divisor(q queryserver.MetricQuery) float64 {
	if q.Aggregation == queryserver.AggregateRate {
		return q.Step.Seconds()
	}
	return 1
}

// pairs begins a SELECT of data points, each with the times of the one before it. Points
// of one time are ordered by a value.
func (r *reading) pairs(from *table, q queryserver.MetricQuery, value chsql.Expr) (chsql.Select, error) {
	selector := q.MetricSelector
	selector.In = before(selector.In)
	query, err := r.points(from, selector)
	if err != nil {
		return query, err
	}
	over := frame(value)
	query.Columns = chsql.List{
		chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("timestamp"), chsql.SQL("start_timestamp"),
		chsql.SQL("lagInFrame(timestamp) OVER ? AS previous_time", over), chsql.SQL("lagInFrame(start_timestamp) OVER ? AS previous_start", over),
	}
	query.Where = append(query.Where, within(selector.In), recorded())
	return query, nil
}

// frame is a point and the one before it in its series.
func frame(value chsql.Expr) chsql.Expr {
	return chsql.SQL("(PARTITION BY metric_name, series_id ORDER BY timestamp, ? ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", value)
}

// increments joins pairs with their series and aggregates them.
func (r *reading) increments(q queryserver.MetricQuery, pairs chsql.Select, reset, result chsql.Expr) (chsql.Select, error) {
	group, err := r.modes(q, pairs, reset)
	if err != nil {
		return group, err
	}
	group.Columns = append(group.Columns, chsql.SQL("? AS result", result))
	group.GroupBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("number")}
	return bySeries(q, group), nil
}

// modes begins a SELECT of pairs with labels, number of the bucket and mode.
func (r *reading) modes(q queryserver.MetricQuery, pairs chsql.Select, reset chsql.Expr) (chsql.Select, error) {
	labels, err := r.labels(q)
	if err != nil {
		return labels, err
	}
	back := chsql.Int64(int64(queryserver.MetricLookBack))
	restarted := chsql.SQL("kind != 'gauge' AND start_timestamp > previous_start AND start_timestamp >= previous_time")
	mode := chsql.SQL(`multiIf(temporality = 1, 1, toUnixTimestamp64Nano(timestamp) - toUnixTimestamp64Nano(previous_time) <= ?, if((?) OR (?), 1, 2), kind != 'gauge' AND toUnixTimestamp64Nano(timestamp) - toUnixTimestamp64Nano(start_timestamp) < ?, 1, 0) AS mode`,
		back, restarted, reset, back)
	return chsql.Select{
		With:    chsql.List{mode},
		Columns: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("? AS number", bucketNumber(q, chsql.SQL("timestamp")))},
		From:    chsql.SQL("(?) AS p INNER JOIN (?) AS r USING (series_id)", pairs.Expr(), labels.Expr()),
		Where:   chsql.List{chsql.SQL("timestamp >= ?", chsql.Time(q.In.From))},
	}, nil
}
