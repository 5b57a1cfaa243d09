package clickhouse

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// idsInText is how many series a statement names. A statement's values travel in the URL,
// of which ClickHouse takes a mebibyte, and an id has 20 digits and an escaped comma.
const idsInText = 20_000

// noValue is OTLP's flag of a point without a value.
const noValue = 1

// pointsOf begins a SELECT of the points of a question. Of more series than a statement
// can name it takes all of the metrics, and the caller leaves out what he did not ask for.
func pointsOf(scope queryserver.Scope, from *table, q queryserver.PointsQuestion) (*reading, chsql.Select, error) {
	r, query, err := promRead(scope, from)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Where = append(query.Where, ofMetrics(q.Metrics))
	if len(q.Series) <= idsInText {
		query.Where = append(query.Where, chsql.SQL("series_id IN ?", chsql.UInt64s(q.Series)))
	}
	query.Where = append(query.Where, within(q.In))
	return r, query, nil
}

// ReadPoints is that of queryserver.SeriesReader.
func (s *Store) ReadPoints(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, each func(queryserver.Point)) error {
	r, query, err := pointsQuery(scope, q)
	if err != nil {
		return err
	}
	var p queryserver.Point
	var flags uint32
	return s.ask(ctx, r, query, func(rows driver.Rows) error {
		if err := rows.Scan(&p.Series, &p.Time, &p.Start, &p.Value, &flags); err != nil {
			return err
		}
		p.Missing = flags&noValue != 0
		each(p)
		return nil
	})
}

func pointsQuery(scope queryserver.Scope, q queryserver.PointsQuestion) (*reading, chsql.Select, error) {
	r, query, err := pointsOf(scope, samples(), q)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{
		chsql.SQL("series_id"), chsql.SQL("toUnixTimestamp64Milli(timestamp) AS ms"), chsql.SQL("toUnixTimestamp64Milli(start_timestamp)"),
		chsql.SQL("value"), chsql.SQL("flags"),
	}
	query.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("ms"), chsql.SQL("value")}
	if q.Limit > 0 {
		query.Limit = q.Limit + 1
	}
	return r, query, nil
}

// ReadHistograms is that of queryserver.SeriesReader.
func (s *Store) ReadHistograms(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, parts queryserver.HistogramParts, each func(*queryserver.HistogramPoint)) error {
	r, query, err := histogramsQuery(scope, q, parts)
	if err != nil {
		return err
	}
	return s.ask(ctx, r, query, func(rows driver.Rows) error {
		p := &queryserver.HistogramPoint{}
		var flags uint32
		into := []any{&p.Series, &p.Time, &p.Start, &flags}
		if parts.Totals {
			into = append(into, &p.Count, &p.Sum, &p.HasSum)
		}
		if parts.Explicit {
			into = append(into, &p.Bounds, &p.Counts)
		}
		if parts.Exponential {
			into = append(into, &p.Scale, &p.ZeroCount, &p.ZeroThreshold, &p.PositiveOffset, &p.Positive, &p.NegativeOffset, &p.Negative)
		}
		if parts.Quantiles {
			into = append(into, &p.Quantiles, &p.QuantileValues)
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		p.Missing = flags&noValue != 0
		each(p)
		return nil
	})
}

func histogramsQuery(scope queryserver.Scope, q queryserver.PointsQuestion, parts queryserver.HistogramParts) (*reading, chsql.Select, error) {
	r, query, err := pointsOf(scope, histograms(), q)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{
		chsql.SQL("series_id"), chsql.SQL("toUnixTimestamp64Milli(timestamp) AS ms"), chsql.SQL("toUnixTimestamp64Milli(start_timestamp)"), chsql.SQL("flags"),
	}
	if parts.Totals {
		query.Columns = append(query.Columns, chsql.SQL("count"), chsql.SQL("sum"), chsql.SQL("bitTest(present, 0) = 1"))
	}
	if parts.Explicit {
		query.Columns = append(query.Columns, chsql.SQL("explicit_bounds"), chsql.SQL("bucket_counts"))
	}
	if parts.Exponential {
		query.Columns = append(query.Columns, chsql.SQL("scale"), chsql.SQL("zero_count"), chsql.SQL("zero_threshold"),
			chsql.SQL("positive_offset"), chsql.SQL("positive_bucket_counts"), chsql.SQL("negative_offset"), chsql.SQL("negative_bucket_counts"))
	}
	if parts.Quantiles {
		query.Columns = append(query.Columns, chsql.SQL("quantiles"), chsql.SQL("quantile_values"))
	}
	query.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("ms"), chsql.SQL("count")}
	if q.Limit > 0 {
		query.Limit = q.Limit + 1
	}
	return r, query, nil
}

// ReadExemplars is that of queryserver.SeriesReader.
func (s *Store) ReadExemplars(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion) ([]queryserver.ExemplarPoint, error) {
	r, query, err := exemplarsQuery(scope, q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.ExemplarPoint) error {
		return rows.Scan(&into.Series, &into.Time, &into.Value, &into.TraceID, &into.SpanID, &into.Attributes)
	})
}

// exemplarsQuery goes by the time of the data point, which is what the table is sorted by.
// An exemplar is from the interval before its point, an export interval at most.
func exemplarsQuery(scope queryserver.Scope, q queryserver.PointsQuestion) (*reading, chsql.Select, error) {
	r, query, err := promRead(scope, exemplars())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{
		chsql.SQL("series_id"), chsql.SQL("toUnixTimestamp64Milli(if(timestamp = toDateTime64(0, 9, 'UTC'), sample_timestamp, timestamp)) AS ms"), chsql.SQL("value"),
		chsql.SQL("if(trace_id = toFixedString('', 16), '', lower(hex(trace_id)))"), chsql.SQL("if(span_id = toFixedString('', 8), '', lower(hex(span_id)))"),
		chsql.SQL("filtered_attributes"),
	}
	query.Where = append(query.Where, ofMetrics(q.Metrics))
	if len(q.Series) <= idsInText {
		query.Where = append(query.Where, chsql.SQL("series_id IN ?", chsql.UInt64s(q.Series)))
	}
	query.Where = append(query.Where, chsql.SQL("sample_timestamp >= ? AND sample_timestamp < ?", chsql.Time(q.In.From), chsql.Time(q.In.To)))
	query.OrderBy = chsql.List{chsql.SQL("ms"), chsql.SQL("series_id"), chsql.SQL("sample_timestamp"), chsql.SQL("position")}
	if q.Limit > 0 {
		query.Limit = q.Limit + 1
	}
	return r, query, nil
}
