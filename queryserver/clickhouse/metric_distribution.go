package clickhouse

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// queryDistributions aggregates histograms and summaries: what their count and sum have
// grown by, and the least and greatest values that they name.
func (s *Store) queryDistributions(ctx context.Context, r *reading, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	if q.Aggregation == queryserver.AggregateQuantile || q.Aggregation == queryserver.AggregateLast {
		return queryserver.MetricResult{}, nil
	}
	query, err := r.distributionsQuery(q)
	if err != nil {
		return queryserver.MetricResult{}, err
	}
	return s.buckets(ctx, r, q, query, queryserver.OfObservations)
}

func (r *reading) distributionsQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	if q.Aggregation == queryserver.AggregateMin || q.Aggregation == queryserver.AggregateMax {
		return r.extremesQuery(q)
	}
	points, err := r.pairs(histograms(), q, chsql.SQL("count"))
	if err != nil {
		return points, err
	}
	over := frame(chsql.SQL("count"))
	points.Columns = append(points.Columns, chsql.SQL("count"), chsql.SQL("sum"),
		chsql.SQL("lagInFrame(count) OVER ? AS previous_count", over), chsql.SQL("lagInFrame(sum) OVER ? AS previous_sum", over))
	if q.Aggregation == queryserver.AggregateSum || q.Aggregation == queryserver.AggregateAvg {
		points.Where = append(points.Where, chsql.SQL("bitTest(present, 0)"))
	}
	count := chsql.SQL("sum(multiIf(mode = 1, toInt64(count), mode = 2, toInt64(count) - toInt64(previous_count), 0))")
	sum := chsql.SQL("sum(multiIf(mode = 1, sum, mode = 2, sum - previous_sum, 0))")
	reset := chsql.SQL("count < previous_count")
	switch q.Aggregation {
	case queryserver.AggregateSum:
		return r.increments(q, points, reset, sum)
	case queryserver.AggregateAvg:
		return r.increments(q, points, reset, chsql.SQL("? / ?", sum, count))
	case queryserver.AggregateCount:
		return r.increments(q, points, reset, chsql.SQL("toFloat64(?)", count))
	default:
		return r.increments(q, points, reset, chsql.SQL("? / ?", count, chsql.Float64(divisor(q))))
	}
}

// extremesQuery is for min and max. Those of cumulative histograms are since their start.
func (r *reading) extremesQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	points, err := r.points(histograms(), q.MetricSelector)
	if err != nil {
		return points, err
	}
	points.Where = append(points.Where, within(q.In), recorded())
	if q.Aggregation == queryserver.AggregateMin {
		points.Where = append(points.Where, chsql.SQL("bitTest(present, 1)"))
		return r.grouped(q, points, chsql.List{chsql.SQL("min(min) AS part")}, chsql.SQL("min(part)"))
	}
	points.Where = append(points.Where, chsql.SQL("bitTest(present, 2)"))
	return r.grouped(q, points, chsql.List{chsql.SQL("max(max) AS part")}, chsql.SQL("max(part)"))
}
