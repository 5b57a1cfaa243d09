package clickhouse

import (
	"context"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// queryQuantiles gives quantiles of what histograms have grown by, and the mean of the
// quantiles that summaries bring along: those cannot be aggregated.
func (s *Store) queryQuantiles(ctx context.Context, r *reading, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	if q.Aggregation != queryserver.AggregateQuantile {
		return queryserver.MetricResult{}, nil
	}
	query, err := r.histogramsQuery(q)
	if err != nil {
		return queryserver.MetricResult{}, err
	}
	observed, err := collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.BucketSeries) error { return scanQuantiles(rows, q, into) })
	if err != nil {
		return queryserver.MetricResult{}, err
	}
	if query, err = r.summariesQuery(q); err != nil {
		return queryserver.MetricResult{}, err
	}
	sent, err := s.buckets(ctx, r, q, query, queryserver.OfQuantiles)
	if err != nil {
		return sent, err
	}
	return queryserver.JoinMetrics(q, queryserver.MetricResult{Series: observed}, sent), nil
}

// histogramsQuery sums up the buckets of histograms. The increase of a point over the one
// before it is the point, and the one before with the sign turned: so points of one group
// may differ in bounds and scale.
func (r *reading) histogramsQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	pairs, err := r.pairs(histograms(), q, chsql.SQL("count"))
	if err != nil {
		return pairs, err
	}
	over := frame(chsql.SQL("count"))
	pairs.Columns = append(pairs.Columns, chsql.SQL("count"), chsql.SQL("lagInFrame(count) OVER ? AS previous_count", over),
		chsql.SQL("(explicit_bounds, bucket_counts, scale, zero_threshold, zero_count, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts) AS state"),
		chsql.SQL("lagInFrame(state) OVER ? AS previous", over))
	pairs.Where = append(pairs.Where, chsql.SQL("notEmpty(bucket_counts) OR notEmpty(positive_bucket_counts) OR notEmpty(negative_bucket_counts) OR zero_count > 0"))
	signed, err := r.modes(q, pairs, chsql.SQL("count < previous_count OR state.1 != previous.1"))
	if err != nil {
		return signed, err
	}
	signed.Columns = append(signed.Columns, chsql.SQL("arrayJoin(multiIf(mode = 1, [(toInt64(1), state)], mode = 2, [(toInt64(1), state), (toInt64(-1), previous)], [])) AS signed"),
		chsql.SQL("signed.1 AS sign"), chsql.SQL("signed.2 AS h"))
	group := chsql.Select{
		Columns: chsql.List{
			chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("number"), chsql.SQL("h.1 AS bounds"), chsql.SQL("h.3 AS scale"), chsql.SQL("h.4 AS threshold"),
			chsql.SQL("sumForEach(arrayMap(c -> sign * toInt64(c), h.2)) AS counts"), chsql.SQL("sum(sign * toInt64(h.5)) AS zeros"),
			chsql.SQL("sumMap(arrayMap(i -> toInt64(h.6) + toInt64(i), range(length(h.7))), arrayMap(c -> sign * toInt64(c), h.7)) AS positive"),
			chsql.SQL("sumMap(arrayMap(i -> toInt64(h.8) + toInt64(i), range(length(h.9))), arrayMap(c -> sign * toInt64(c), h.9)) AS negative"),
		},
		From:    chsql.SQL("(?)", signed.Expr()),
		GroupBy: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("number"), chsql.SQL("bounds"), chsql.SQL("scale"), chsql.SQL("threshold")},
	}
	return chsql.Select{
		Columns: chsql.List{
			chsql.SQL("toString(metric_name) AS metric"), chsql.SQL("labels"), chsql.SQL("groupArray(number)"), chsql.SQL("groupArray(bounds)"), chsql.SQL("groupArray(counts)"),
			chsql.SQL("groupArray(scale)"), chsql.SQL("groupArray(threshold)"), chsql.SQL("groupArray(zeros)"),
			chsql.SQL("groupArray(positive.1)"), chsql.SQL("groupArray(positive.2)"), chsql.SQL("groupArray(negative.1)"), chsql.SQL("groupArray(negative.2)"),
		},
		From:    chsql.SQL("(?)", group.Expr()),
		GroupBy: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels")},
		OrderBy: chsql.List{chsql.SQL("metric"), chsql.SQL("labels")},
		Limit:   q.Limit + 1,
	}, nil
}

// scanQuantiles reads the histograms of a series and makes a quantile of each bucket.
func scanQuantiles(rows driver.Rows, q queryserver.MetricQuery, into *queryserver.BucketSeries) error {
	var labels []string
	var numbers, zeros []int64
	var bounds [][]float64
	var counts, positive, positiveCounts, negative, negativeCounts [][]int64
	var scales []int32
	var thresholds []float64
	if err := rows.Scan(&into.Metric, &labels, &numbers, &bounds, &counts, &scales, &thresholds, &zeros, &positive, &positiveCounts, &negative, &negativeCounts); err != nil {
		return err
	}
	into.Of, into.Labels = queryserver.OfObservations, labelled(q.GroupBy, labels)
	found := make(map[int64]*distribution)
	for i, number := range numbers {
		d := found[number]
		if d == nil {
			d = newDistribution()
			found[number] = d
		}
		d.addExplicit(bounds[i], counts[i])
		d.addExponential(scales[i], thresholds[i], zeros[i], positive[i], positiveCounts[i], negative[i], negativeCounts[i])
	}
	for number, d := range found {
		if value, any := d.quantile(q.Quantile); any {
			into.Buckets = append(into.Buckets, queryserver.Bucket{Time: bucketTime(q, number), Value: queryserver.Number(value)})
		}
	}
	slices.SortFunc(into.Buckets, func(a, b queryserver.Bucket) int { return a.Time.Compare(b.Time) })
	return nil
}

// summariesQuery gives the mean of the quantile as the senders computed it.
func (r *reading) summariesQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	points, err := r.points(histograms(), q.MetricSelector)
	if err != nil {
		return points, err
	}
	quantile := chsql.Float64(q.Quantile)
	points.Where = append(points.Where, within(q.In), recorded(), chsql.SQL("has(quantiles, ?)", quantile))
	return r.grouped(q, points,
		chsql.List{chsql.SQL("sum(quantile_values[indexOf(quantiles, ?)]) AS part", quantile), chsql.SQL("count() AS part_count")}, chsql.SQL("sum(part) / sum(part_count)"))
}
