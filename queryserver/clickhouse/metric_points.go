package clickhouse

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// MetricPoints asks both tables of data points, and for the labels of what it found.
func (s *Store) MetricPoints(ctx context.Context, scope queryserver.Scope, q queryserver.MetricPage) ([]queryserver.MetricPoint, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return nil, err
	}
	query, err := r.samplesPage(q)
	if err != nil {
		return nil, err
	}
	numbers, err := collect(ctx, s, r, query, scanSample)
	if err != nil {
		return nil, err
	}
	if query, err = r.histogramsPage(q); err != nil {
		return nil, err
	}
	distributions, err := collect(ctx, s, r, query, scanHistogram)
	if err != nil {
		return nil, err
	}
	page := pageOf(q, append(numbers, distributions...), func(p queryserver.MetricPoint) queryserver.PointPosition { return p.Position() })
	labels, err := s.labelsOfSeries(ctx, r, q.MetricSelector, idsOf(page, func(p queryserver.MetricPoint) uint64 { return uint64(p.Series.ID) }))
	if err != nil {
		return nil, err
	}
	for i := range page {
		complete(&page[i], labels)
	}
	return page, nil
}

func idsOf[T any](rows []T, of func(T) uint64) []uint64 {
	ids := make([]uint64, len(rows))
	for i, row := range rows {
		ids[i] = of(row)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pageOf orders rows newest first, and leaves out those that have been shown.
func pageOf[T any](q queryserver.MetricPage, rows []T, position func(T) queryserver.PointPosition) []T {
	slices.SortStableFunc(rows, func(a, b T) int { return newestFirst(position(a), position(b)) })
	if q.After != nil {
		shown := 0
		for shown < len(rows) && shown < q.After.Shown && newestFirst(position(rows[shown]), *q.After) == 0 {
			shown++
		}
		rows = rows[shown:]
	}
	return rows[:min(len(rows), q.Limit+1)]
}

// newestFirst compares positions but for Shown.
func newestFirst(a, b queryserver.PointPosition) int {
	return cmp.Or(cmp.Compare(b.Nanos, a.Nanos), cmp.Compare(b.Series, a.Series), cmp.Compare(b.Hash, a.Hash))
}

// newest orders a page and begins it at its position, at the rows that equal the last one
// that was shown: those are left out when they have been counted.
func newest(query chsql.Select, at chsql.Expr, q queryserver.MetricPage) chsql.Select {
	query.OrderBy = chsql.List{chsql.SQL("? DESC", at), chsql.SQL("series_id DESC"), chsql.SQL("hash DESC")}
	query.Limit = q.Limit + 1
	if after := q.After; after != nil {
		last := chsql.Time(time.Unix(0, after.Nanos))
		query.Where = append(query.Where, chsql.SQL("? <= ?", at, last),
			chsql.SQL("? < ? OR (series_id, hash) <= (?, ?)", at, last, chsql.UInt64(after.Series), chsql.UInt64(after.Hash)))
		query.Limit += after.Shown
	}
	return query
}

func (r *reading) samplesPage(q queryserver.MetricPage) (chsql.Select, error) {
	query, err := r.points(samples(), q.MetricSelector)
	if err != nil {
		return query, err
	}
	query.Columns = append(pointColumns(), chsql.SQL("value"), exactInteger(), chsql.SQL("toString(value_type)"),
		chsql.SQL("cityHash64(start_timestamp, reinterpretAsUInt64(value), value_int, value_residual, value_type, flags, exemplar_trace_id) AS hash"))
	query.Where = append(query.Where, within(q.In))
	return newest(query, chsql.SQL("timestamp"), q), nil
}

// pointColumns are those that scanPoint reads.
func pointColumns() chsql.List {
	return chsql.List{chsql.SQL("metric_name"), chsql.SQL("service_name"), chsql.SQL("series_id"), sentNanos(chsql.SQL("timestamp")), sentNanos(chsql.SQL("start_timestamp")), chsql.SQL("flags"), chsql.SQL("exemplar_trace_id")}
}

// sentNanos is a column of times as it was sent: nanoseconds since 1970 in 64 bits.
func sentNanos(column chsql.Expr) chsql.Expr {
	return chsql.SQL("reinterpretAsUInt64(toUnixTimestamp64Nano(?))", column)
}

// exactInteger is the expression of the view metrics_v3.
func exactInteger() chsql.Expr {
	return chsql.SQL("multiIf(value_type != 'int', 0, value_int != 0, value_int, toInt64(if(value >= 9223372036854775808., -9223372036854775808., value)) + value_residual)")
}

func scanPoint(rows driver.Rows, into *queryserver.MetricPoint, rest ...any) error {
	var id, at, start, hash uint64
	var trace string
	if err := rows.Scan(append(append([]any{&into.Series.Metric, &into.Series.Service, &id, &at, &start, &into.Flags, &trace}, rest...), &hash)...); err != nil {
		return err
	}
	into.Series.ID, into.Hash, into.Time = queryserver.Count(id), queryserver.Count(hash), time.Unix(0, int64(at)).UTC()
	if start != 0 {
		began := time.Unix(0, int64(start)).UTC()
		into.Start = &began
	}
	into.NoValue, into.TraceID = into.Flags&1 == 1, hexID(trace)
	return nil
}

// hexID is an id as it is shown; zeros are none.
func hexID(id string) string {
	for _, b := range []byte(id) {
		if b != 0 {
			return hex.EncodeToString([]byte(id))
		}
	}
	return ""
}

func scanSample(rows driver.Rows, into *queryserver.MetricPoint) error {
	var value float64
	var exact int64
	var kind string
	if err := scanPoint(rows, into, &value, &exact, &kind); err != nil {
		return err
	}
	into.AsInt, into.AsDouble = sentNumber(kind, value, exact)
	return nil
}

// sentNumber is a value as it was sent, an integer or a double, or neither.
func sentNumber(kind string, value float64, exact int64) (*int64, *queryserver.Number) {
	switch kind {
	case "int":
		return &exact, nil
	case "double":
		double := queryserver.Number(value)
		return nil, &double
	default:
		return nil, nil
	}
}

func (r *reading) histogramsPage(q queryserver.MetricPage) (chsql.Select, error) {
	query, err := r.points(histograms(), q.MetricSelector)
	if err != nil {
		return query, err
	}
	query.Columns = append(append(pointColumns(), distributionColumns()...), chsql.SQL("cityHash64(start_timestamp, flags, ?, exemplar_trace_id) AS hash", distributionColumns()))
	query.Where = append(query.Where, within(q.In))
	return newest(query, chsql.SQL("timestamp"), q), nil
}

func distributionColumns() chsql.List {
	return chsql.List{
		chsql.SQL("count"), chsql.SQL("sum"), chsql.SQL("min"), chsql.SQL("max"), chsql.SQL("present"), chsql.SQL("explicit_bounds"), chsql.SQL("bucket_counts"),
		chsql.SQL("scale"), chsql.SQL("zero_count"), chsql.SQL("zero_threshold"), chsql.SQL("positive_offset"), chsql.SQL("positive_bucket_counts"),
		chsql.SQL("negative_offset"), chsql.SQL("negative_bucket_counts"), chsql.SQL("quantiles"), chsql.SQL("quantile_values"),
	}
}

// distributionRow is the columns of a row of metric_histogram_samples.
type distributionRow struct {
	count, zeroCount                      uint64
	sum, min, max, zeroThreshold          float64
	present                               uint8
	scale, positiveOffset, negativeOffset int32
	bounds, quantiles, values             []float64
	buckets, positive, negative           []uint64
}

func (d *distributionRow) into() []any {
	return []any{
		&d.count, &d.sum, &d.min, &d.max, &d.present, &d.bounds, &d.buckets, &d.scale, &d.zeroCount, &d.zeroThreshold,
		&d.positiveOffset, &d.positive, &d.negativeOffset, &d.negative, &d.quantiles, &d.values,
	}
}

// optional is a value that was sent if its bit is set.
func (d *distributionRow) optional(bit uint8, value float64) *float64 {
	if d.present&bit == 0 {
		return nil
	}
	return &value
}

// The bits of the column present.
const (
	presentSum uint8 = 1 << iota
	presentMin
	presentMax
)

// scanHistogram does not know yet which of the kinds it is: the series does.
func scanHistogram(rows driver.Rows, into *queryserver.MetricPoint) error {
	var d distributionRow
	if err := scanPoint(rows, into, d.into()...); err != nil {
		return err
	}
	common := queryserver.Distribution{
		Count: queryserver.Count(d.count), Sum: (*queryserver.Number)(d.optional(presentSum, d.sum)),
		Min: (*queryserver.Number)(d.optional(presentMin, d.min)), Max: (*queryserver.Number)(d.optional(presentMax, d.max)),
	}
	into.Histogram = &queryserver.HistogramValue{Distribution: common, ExplicitBounds: converted[queryserver.Number](d.bounds), BucketCounts: converted[queryserver.Count](d.buckets)}
	into.Exponential = &queryserver.ExponentialHistogram{
		Distribution: common, Scale: d.scale, ZeroCount: queryserver.Count(d.zeroCount), ZeroThreshold: queryserver.Number(d.zeroThreshold),
		Positive: queryserver.ExponentialBuckets{Offset: d.positiveOffset, BucketCounts: converted[queryserver.Count](d.positive)},
		Negative: queryserver.ExponentialBuckets{Offset: d.negativeOffset, BucketCounts: converted[queryserver.Count](d.negative)},
	}
	into.Summary = &queryserver.SummaryValue{Count: queryserver.Count(d.count), Sum: queryserver.Number(d.sum), Quantiles: []queryserver.QuantileValue{}}
	for i, quantile := range d.quantiles {
		into.Summary.Quantiles = append(into.Summary.Quantiles, queryserver.QuantileValue{Quantile: queryserver.Number(quantile), Value: queryserver.Number(d.values[i])})
	}
	return nil
}

func converted[To, From float64 | uint64 | queryserver.Number | queryserver.Count](values []From) []To {
	made := make([]To, len(values))
	for i, v := range values {
		made[i] = To(v)
	}
	return made
}

// complete puts the labels to a point, and leaves it the value of its kind.
func complete(p *queryserver.MetricPoint, labels map[uint64]queryserver.MetricSeries) {
	if found, known := labels[uint64(p.Series.ID)]; known {
		p.Series = found
	}
	if p.Series.Kind != kindHistogram {
		p.Histogram = nil
	}
	if p.Series.Kind != kindExponential {
		p.Exponential = nil
	}
	if p.Series.Kind != kindSummary {
		p.Summary = nil
	}
}

// The kinds of metrics with rows in metric_histogram_samples, as metric_series names them.
const (
	kindHistogram   queryserver.MetricKind = "histogram"
	kindExponential queryserver.MetricKind = "exponential_histogram"
	kindSummary     queryserver.MetricKind = "summary"
)
