package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// MetricExemplars are a page of exemplars, with the labels of their series.
func (s *Store) MetricExemplars(ctx context.Context, scope queryserver.Scope, q queryserver.MetricPage) ([]queryserver.MetricExemplar, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return nil, err
	}
	query, err := r.exemplarsPage(q)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, s, r, query, scanExemplar)
	if err != nil {
		return nil, err
	}
	page := pageOf(q, rows, func(e queryserver.MetricExemplar) queryserver.PointPosition { return e.Position() })
	labels, err := s.labelsOfSeries(ctx, r, q.MetricSelector, idsOf(page, func(e queryserver.MetricExemplar) uint64 { return uint64(e.Series.ID) }))
	if err != nil {
		return nil, err
	}
	for i := range page {
		if found, known := labels[uint64(page[i].Series.ID)]; known {
			page[i].Series = found
		}
	}
	return page, nil
}

func (r *reading) exemplarsPage(q queryserver.MetricPage) (chsql.Select, error) {
	query, err := r.points(exemplars(), q.MetricSelector)
	if err != nil {
		return query, err
	}
	query.Columns = chsql.List{
		chsql.SQL("metric_name"), chsql.SQL("service_name"), chsql.SQL("series_id"), sentNanos(chsql.SQL("sample_timestamp")), sentNanos(chsql.SQL("timestamp")),
		chsql.SQL("value"), chsql.SQL("value_int"), chsql.SQL("toString(value_type)"), chsql.SQL("trace_id"), chsql.SQL("span_id"),
		chsql.SQL("CAST(filtered_attributes, 'Map(String, String)')"),
		chsql.SQL("cityHash64(position, timestamp, reinterpretAsUInt64(value), value_int, value_type, trace_id, span_id, filtered_attributes) AS hash"),
	}
	at := chsql.SQL("sample_timestamp")
	query.Where = append(query.Where, chsql.SQL("sample_timestamp >= ? AND sample_timestamp < ?", chsql.Time(q.In.From), chsql.Time(q.In.To)))
	return newest(query, at, q), nil
}

func scanExemplar(rows driver.Rows, into *queryserver.MetricExemplar) error {
	var id, sample, at, hash uint64
	var value float64
	var exact int64
	var kind, trace, span string
	if err := rows.Scan(&into.Series.Metric, &into.Series.Service, &id, &sample, &at, &value, &exact, &kind, &trace, &span, &into.Attributes, &hash); err != nil {
		return err
	}
	into.Series.ID, into.Hash = queryserver.Count(id), queryserver.Count(hash)
	into.PointTime, into.Time = time.Unix(0, int64(sample)).UTC(), time.Unix(0, int64(at)).UTC()
	into.AsInt, into.AsDouble = sentNumber(kind, value, exact)
	into.TraceID, into.SpanID = hexID(trace), hexID(span)
	return nil
}
