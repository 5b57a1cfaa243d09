package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// QueryMetrics asks for gauges and sums, and for histograms and summaries, and joins what
// it gets.
func (s *Store) QueryMetrics(ctx context.Context, scope queryserver.Scope, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return queryserver.MetricResult{}, err
	}
	var parts []queryserver.MetricResult
	for _, part := range []func(context.Context, *reading, queryserver.MetricQuery) (queryserver.MetricResult, error){s.queryNumbers, s.queryDistributions, s.queryQuantiles} {
		result, err := part(ctx, r, q)
		if err != nil {
			return queryserver.MetricResult{}, err
		}
		parts = append(parts, result)
	}
	return queryserver.JoinMetrics(q, parts...), nil
}

// queryNumbers asks the roll-ups as far as they are complete, and the samples for the rest.
func (s *Store) queryNumbers(ctx context.Context, r *reading, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	if q.Aggregation == queryserver.AggregateQuantile {
		return queryserver.MetricResult{}, nil
	}
	complete, err := s.rolledUp(ctx, r, q)
	if err != nil {
		return queryserver.MetricResult{}, err
	}
	older, newer := q, q
	older.In.To, newer.In.From = complete, complete
	var parts []queryserver.MetricResult
	if older.In.From.Before(older.In.To) {
		query, err := r.rollupQuery(older)
		if err != nil {
			return queryserver.MetricResult{}, err
		}
		part, err := s.buckets(ctx, r, older, query, queryserver.OfValues)
		if err != nil {
			return part, err
		}
		parts = append(parts, part)
	}
	if newer.In.From.Before(newer.In.To) {
		query, err := r.numbersQuery(newer)
		if err != nil {
			return queryserver.MetricResult{}, err
		}
		part, err := s.buckets(ctx, r, newer, query, queryserver.OfValues)
		if err != nil {
			return part, err
		}
		parts = append(parts, part)
	}
	return queryserver.JoinMetrics(q, parts...), nil
}

// buckets runs a query whose rows are the metric, the values of the labels, the numbers of
// the buckets and their values.
func (s *Store) buckets(ctx context.Context, r *reading, q queryserver.MetricQuery, query chsql.Select, of string) (queryserver.MetricResult, error) {
	all, err := collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.BucketSeries) error {
		var labels []string
		var numbers []int64
		var values []float64
		if err := rows.Scan(&into.Metric, &labels, &numbers, &values); err != nil {
			return err
		}
		into.Of, into.Labels = of, labelled(q.GroupBy, labels)
		for i, number := range numbers {
			into.Buckets = append(into.Buckets, queryserver.Bucket{Time: bucketTime(q, number), Value: queryserver.Number(values[i])})
		}
		slices.SortFunc(into.Buckets, func(a, b queryserver.Bucket) int { return a.Time.Compare(b.Time) })
		return nil
	})
	return queryserver.JoinMetrics(q, queryserver.MetricResult{Series: all}), err
}

func bucketTime(q queryserver.MetricQuery, number int64) time.Time {
	return q.In.From.Add(time.Duration(number) * q.Step).UTC()
}

func labelled(by []queryserver.Label, values []string) map[string]string {
	labels := make(map[string]string, len(by))
	for i, label := range by {
		labels[label.String()] = values[i]
	}
	return labels
}

// numbersQuery aggregates samples.
func (r *reading) numbersQuery(q queryserver.MetricQuery) (chsql.Select, error) {
	if q.Aggregation == queryserver.AggregateIncrease || q.Aggregation == queryserver.AggregateRate {
		return r.increasesQuery(q)
	}
	query, err := r.points(samples(), q.MetricSelector)
	if err != nil {
		return query, err
	}
	query.Where = append(query.Where, within(q.In), recorded())
	switch q.Aggregation {
	case queryserver.AggregateSum:
		return r.grouped(q, query, chsql.List{chsql.SQL("sum(value) AS part")}, chsql.SQL("sum(part)"))
	case queryserver.AggregateMin:
		return r.grouped(q, query, chsql.List{chsql.SQL("min(value) AS part")}, chsql.SQL("min(part)"))
	case queryserver.AggregateMax:
		return r.grouped(q, query, chsql.List{chsql.SQL("max(value) AS part")}, chsql.SQL("max(part)"))
	case queryserver.AggregateCount:
		return r.grouped(q, query, chsql.List{chsql.SQL("count() AS part")}, chsql.SQL("toFloat64(sum(part))"))
	case queryserver.AggregateLast:
		return r.grouped(q, query, chsql.List{chsql.SQL("argMax(value, (timestamp, value)) AS part"), chsql.SQL("max(timestamp) AS part_time")}, chsql.SQL("argMax(part, (part_time, part))"))
	default:
		return r.grouped(q, query, chsql.List{chsql.SQL("sum(value) AS part"), chsql.SQL("count() AS part_count")}, chsql.SQL("sum(part) / sum(part_count)"))
	}
}

// grouped aggregates in two steps: to parts of a service or series, which the sort key
// keeps together, and then by the labels, which only the series know.
func (r *reading) grouped(q queryserver.MetricQuery, points chsql.Select, parts chsql.List, combined chsql.Expr) (chsql.Select, error) {
	number := bucketNumber(q, chsql.SQL("timestamp"))
	return r.groupedBy(q, points, number, parts, combined)
}

func (r *reading) groupedBy(q queryserver.MetricQuery, points chsql.Select, number chsql.Expr, parts chsql.List, combined chsql.Expr) (chsql.Select, error) {
	key := chsql.SQL("series_id")
	if onlyService(q.GroupBy) {
		key = chsql.SQL("service_name")
	}
	points.Columns = append(chsql.List{chsql.SQL("metric_name"), key, chsql.SQL("? AS number", number)}, parts...)
	points.GroupBy = chsql.List{chsql.SQL("metric_name"), key, chsql.SQL("number")}
	group := chsql.Select{
		Columns: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("number"), chsql.SQL("? AS result", combined)},
		GroupBy: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels"), chsql.SQL("number")},
	}
	if onlyService(q.GroupBy) {
		group.From = chsql.SQL("(?)", points.Expr())
		group.Columns[1] = chsql.SQL("? AS labels", labelsOf(q.GroupBy))
	} else {
		labels, err := r.labels(q)
		if err != nil {
			return group, err
		}
		group.From = chsql.SQL("(?) AS p INNER JOIN (?) AS r USING (series_id)", points.Expr(), labels.Expr())
	}
	return bySeries(q, group), nil
}

// bySeries makes one row of each series.
func bySeries(q queryserver.MetricQuery, group chsql.Select) chsql.Select {
	return chsql.Select{
		Columns: chsql.List{chsql.SQL("toString(metric_name) AS metric"), chsql.SQL("labels"), chsql.SQL("groupArray(number)"), chsql.SQL("groupArray(result)")},
		From:    chsql.SQL("(?)", group.Expr()),
		GroupBy: chsql.List{chsql.SQL("metric_name"), chsql.SQL("labels")},
		OrderBy: chsql.List{chsql.SQL("metric"), chsql.SQL("labels")},
		Limit:   q.Limit + 1,
	}
}

// labels are the labels that a query groups by, and what increases depend on, of each
// series once.
func (r *reading) labels(q queryserver.MetricQuery) (chsql.Select, error) {
	selector := q.MetricSelector
	selector.In = before(selector.In)
	query, err := r.seriesOf(selector)
	query.Columns = chsql.List{chsql.SQL("series_id"), chsql.SQL("? AS labels", labelsOf(q.GroupBy)), chsql.SQL("kind"), chsql.SQL("temporality"), chsql.SQL("is_monotonic")}
	query.LimitBy = chsql.SQL("1 BY series_id")
	return query, err
}

// labelsOf is an array of the values of labels.
func labelsOf(by []queryserver.Label) chsql.Expr {
	if len(by) == 0 {
		return chsql.SQL("emptyArrayString()")
	}
	var values chsql.List
	for _, label := range by {
		values = append(values, labelOf(label))
	}
	return chsql.SQL("[?]", values)
}

// onlyService says whether the rows of points hold all labels.
func onlyService(by []queryserver.Label) bool {
	return len(by) == 0 || len(by) == 1 && by[0].Origin == queryserver.ServiceLabel
}

// bucketNumber counts the buckets of a range from 0.
func bucketNumber(q queryserver.MetricQuery, at chsql.Expr) chsql.Expr {
	return chsql.SQL("intDiv(toUnixTimestamp64Nano(?) - ?, ?)", at, chsql.Int64(q.In.From.UnixNano()), chsql.Int64(int64(q.Step)))
}
