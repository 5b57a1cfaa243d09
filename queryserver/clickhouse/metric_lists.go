package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// MetricNames reads the list that materialized views keep, or the series where the caller's
// filter has dimensions that the list has not.
func (s *Store) MetricNames(ctx context.Context, scope queryserver.Scope, q queryserver.MetricList) ([]queryserver.Metric, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return nil, err
	}
	query, err := r.metricsQuery(q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.Metric) error {
		var kind string
		var first, last time.Time
		if err := rows.Scan(&into.Name, &kind, &into.Unit, &into.Description, &into.Services, &first, &last); err != nil {
			return err
		}
		into.Kind, into.FirstSeen, into.LastSeen = queryserver.MetricKind(kind), first.UTC(), last.UTC()
		return nil
	})
}

func (r *reading) metricsQuery(q queryserver.MetricList) (chsql.Select, error) {
	query, _, err := r.first(metricActivity(), series())
	if err != nil {
		return query, err
	}
	query.Where = append(append(query.Where, named(queryserver.MetricSelector{Services: q.Services})...), days(q.In))
	if q.Prefix != "" {
		query.Where = append(query.Where, chsql.SQL("startsWith(metric_name, ?)", chsql.String(q.Prefix)))
	}
	if q.After != nil {
		query.Where = append(query.Where, chsql.SQL("(metric_name, toString(kind)) > (?, ?)", chsql.String(q.After.Name), chsql.String(string(q.After.Kind))))
	}
	query.Columns = chsql.List{
		chsql.SQL("toString(metric_name) AS name"), chsql.SQL("toString(kind) AS kind_name"), chsql.SQL("toString(anyLast(unit))"), chsql.SQL("anyLast(description)"),
		chsql.SQL("arraySort(groupUniqArray(100)(toString(service_name)))"), chsql.SQL("min(day)"), chsql.SQL("max(day)"),
	}
	query.GroupBy = chsql.List{chsql.SQL("name"), chsql.SQL("kind_name")}
	query.OrderBy = chsql.List{chsql.SQL("name"), chsql.SQL("kind_name")}
	query.Limit = q.Limit + 1
	return query, nil
}

// MetricLabels counts the series that have each key.
func (s *Store) MetricLabels(ctx context.Context, scope queryserver.Scope, q queryserver.MetricLabels) (queryserver.MetricLabelList, error) {
	return s.labelCounts(ctx, scope, q, (*reading).labelKeysQuery)
}

// MetricLabelValues counts the series that have each value.
func (s *Store) MetricLabelValues(ctx context.Context, scope queryserver.Scope, q queryserver.MetricLabels) (queryserver.MetricLabelList, error) {
	return s.labelCounts(ctx, scope, q, (*reading).labelValuesQuery)
}

func (s *Store) labelCounts(ctx context.Context, scope queryserver.Scope, q queryserver.MetricLabels, of func(*reading, queryserver.MetricLabels) (chsql.Select, error)) (queryserver.MetricLabelList, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return queryserver.MetricLabelList{}, err
	}
	query, err := of(r, q)
	if err != nil {
		return queryserver.MetricLabelList{}, err
	}
	counts, err := collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.LabelCount) error {
		return rows.Scan(&into.Name, &into.Series)
	})
	list := queryserver.MetricLabelList{Items: counts}
	if len(counts) > q.Limit {
		list.Items, list.Truncated = counts[:q.Limit], true
	}
	return list, err
}

func (r *reading) labelKeysQuery(q queryserver.MetricLabels) (chsql.Select, error) {
	query, err := r.seriesOf(q.MetricSelector)
	keys := chsql.SQL("arrayJoin(arrayConcat(?))", chsql.List{
		chsql.SQL("arrayMap(k -> concat('attributes.', k), mapKeys(attributes))"),
		chsql.SQL("arrayMap(k -> concat('resource.', k), mapKeys(resource_attributes))"),
		chsql.SQL("if(service_name != '', ['service'], [])"), chsql.SQL("if(? != '', ['environment'], [])", environment()),
	})
	return counting(query, keys, q), err
}

func (r *reading) labelValuesQuery(q queryserver.MetricLabels) (chsql.Select, error) {
	query, err := r.seriesOf(q.MetricSelector)
	switch q.Label.Origin {
	case queryserver.AttributeLabel:
		query.Where = append(query.Where, chsql.SQL("mapContains(attributes, ?)", chsql.String(q.Label.Key)))
	case queryserver.ResourceLabel:
		query.Where = append(query.Where, chsql.SQL("mapContains(resource_attributes, ?)", chsql.String(q.Label.Key)))
	default:
		query.Where = append(query.Where, chsql.SQL("? != ''", labelOf(q.Label)))
	}
	return counting(query, labelOf(q.Label), q), err
}

// counting counts series by a text, the most frequent first.
func counting(query chsql.Select, text chsql.Expr, q queryserver.MetricLabels) chsql.Select {
	query.Columns = chsql.List{chsql.SQL("? AS text", text), chsql.SQL("uniqExact(series_id) AS series")}
	query.GroupBy = chsql.List{chsql.SQL("text")}
	if q.Prefix != "" {
		query.Having = chsql.SQL("startsWith(text, ?)", chsql.String(q.Prefix))
	}
	query.OrderBy = chsql.List{chsql.SQL("series DESC"), chsql.SQL("text")}
	query.Limit = q.Limit + 1
	return query
}
