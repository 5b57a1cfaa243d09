package clickhouse

import (
	"context"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// MetricSeries are series by metric and id.
func (s *Store) MetricSeries(ctx context.Context, scope queryserver.Scope, q queryserver.MetricSeriesPage) ([]queryserver.MetricSeries, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return nil, err
	}
	query, err := r.seriesQuery(q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, scanSeries)
}

func (r *reading) seriesQuery(q queryserver.MetricSeriesPage) (chsql.Select, error) {
	query, err := r.seriesOf(q.MetricSelector)
	if err != nil {
		return query, err
	}
	if q.After != nil {
		query.Where = append(query.Where, chsql.SQL("(metric_name, series_id) > (?, ?)", chsql.String(q.After.Metric), chsql.UInt64(q.After.Series)))
	}
	query.Columns = seriesColumns()
	query.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id")}
	query.LimitBy = chsql.SQL("1 BY metric_name, series_id")
	query.Limit = q.Limit + 1
	return query, nil
}

func seriesColumns() chsql.List {
	return chsql.List{
		chsql.SQL("series_id"), chsql.SQL("metric_name"), chsql.SQL("toString(kind)"), chsql.SQL("unit"), chsql.SQL("description"), chsql.SQL("temporality"),
		chsql.SQL("is_monotonic"), chsql.SQL("service_name"), chsql.SQL("scope_name"),
		chsql.SQL("CAST(attributes, 'Map(String, String)')"), chsql.SQL("CAST(resource_attributes, 'Map(String, String)')"),
	}
}

func scanSeries(rows driver.Rows, into *queryserver.MetricSeries) error {
	var id uint64
	var kind string
	var temporality int32
	if err := rows.Scan(&id, &into.Metric, &kind, &into.Unit, &into.Description, &temporality, &into.Monotonic, &into.Service, &into.Scope, &into.Attributes, &into.Resource); err != nil {
		return err
	}
	into.ID, into.Kind = queryserver.Count(id), queryserver.MetricKind(kind)
	switch temporality {
	case 0:
	case 1:
		into.Temporality = "delta"
	case 2: //nolint:mnd // AggregationTemporality of OTLP
		into.Temporality = "cumulative"
	default:
		into.Temporality = strconv.Itoa(int(temporality))
	}
	return nil
}

// labelsOfSeries reads the labels of the series of a page, each once.
func (s *Store) labelsOfSeries(ctx context.Context, r *reading, q queryserver.MetricSelector, ids []uint64) (map[uint64]queryserver.MetricSeries, error) {
	found := make(map[uint64]queryserver.MetricSeries, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query, err := r.seriesByID(q, ids)
	if err != nil {
		return nil, err
	}
	return found, s.ask(ctx, r, query, func(rows driver.Rows) error {
		var one queryserver.MetricSeries
		if err := scanSeries(rows, &one); err != nil {
			return err
		}
		found[uint64(one.ID)] = one
		return nil
	})
}

func (r *reading) seriesByID(q queryserver.MetricSelector, ids []uint64) (chsql.Select, error) {
	query, err := r.seriesOf(queryserver.MetricSelector{In: q.In, Metrics: q.Metrics, Services: q.Services})
	query.Where = append(query.Where, chsql.SQL("series_id IN ?", chsql.UInt64s(ids)))
	query.Columns = seriesColumns()
	query.LimitBy = chsql.SQL("1 BY series_id")
	return query, err
}
