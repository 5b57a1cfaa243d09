package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// onDays are the days of a range, as metric_series has them.
func onDays(in queryserver.TimeRange) chsql.Expr {
	return chsql.SQL("day >= ? AND day <= ?", chsql.Date(in.From), chsql.Date(in.To.Add(-1)))
}

// SeriesFamilies is that of queryserver.SeriesReader.
func (s *Store) SeriesFamilies(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) ([]queryserver.DescribedFamily, error) {
	r, query, err := familiesQuery(scope, in)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.DescribedFamily) error {
		return rows.Scan(&into.Name, (*string)(&into.Kind), &into.Unit, &into.Delta, &into.Monotonic, &into.Description)
	})
}

func familiesQuery(scope queryserver.Scope, in queryserver.TimeRange) (*reading, chsql.Select, error) {
	r, query, err := promRead(scope, series())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{
		chsql.SQL("metric_name"), chsql.SQL("toString(kind) AS family_kind"), chsql.SQL("unit"),
		chsql.SQL("temporality = 1 AS delta"), chsql.SQL("is_monotonic"), chsql.SQL("argMax(description, day)"),
	}
	query.Where = append(query.Where, onDays(in))
	query.GroupBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("family_kind"), chsql.SQL("unit"), chsql.SQL("delta"), chsql.SQL("is_monotonic")}
	query.OrderBy = query.GroupBy
	return r, query, nil
}

// promRead begins a SELECT from a table of metrics.
func promRead(scope queryserver.Scope, from *table) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query, _, err := r.first(from)
	return r, query, err
}

// FindSeries is that of queryserver.SeriesReader.
func (s *Store) FindSeries(ctx context.Context, scope queryserver.Scope, q queryserver.SeriesQuestion) ([]queryserver.StoredSeries, error) {
	r, query, err := seriesQuery(scope, q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.StoredSeries) error {
		return rows.Scan(&into.ID, &into.Name, (*string)(&into.Kind), &into.Unit, &into.Delta, &into.Monotonic, &into.Attributes, &into.Resource)
	})
}

// seriesQuery takes one row of each series: metric_series has one for each day.
func seriesQuery(scope queryserver.Scope, q queryserver.SeriesQuestion) (*reading, chsql.Select, error) {
	r, query, err := promRead(scope, series())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{
		chsql.SQL("series_id"), chsql.SQL("metric_name"), chsql.SQL("toString(kind)"), chsql.SQL("unit"),
		chsql.SQL("temporality = 1"), chsql.SQL("is_monotonic"), chsql.SQL("attributes"), chsql.SQL("resource_attributes"),
	}
	query.Where = append(query.Where, ofMetrics(q.Metrics), onDays(q.In))
	for _, condition := range q.Conditions {
		query.Where = append(query.Where, conditionOf(condition))
	}
	query.LimitBy = chsql.SQL("1 BY series_id")
	if q.Limit > 0 {
		query.Limit = q.Limit + 1
	}
	return r, query, nil
}

// ofMetrics restricts to names; nil is all.
func ofMetrics(names []string) chsql.Expr {
	if names == nil {
		return chsql.Expr{}
	}
	return chsql.SQL("metric_name IN ?", chsql.Strings(names))
}

func conditionOf(c queryserver.SeriesCondition) chsql.Expr {
	var any chsql.List
	for _, text := range c.Texts {
		any = append(any, conditionOn(text, c))
	}
	if c.Not {
		return chsql.Not(chsql.Or(any...))
	}
	return chsql.Or(any...)
}

func conditionOn(text queryserver.SeriesText, c queryserver.SeriesCondition) chsql.Expr {
	column := chsql.SQL("attributes")
	if text.Resource {
		column = chsql.SQL("resource_attributes")
	}
	if text.KeyLike == "" {
		return valueIs(chsql.SQL("?[?]", column, chsql.String(text.Key)), c)
	}
	like := chsql.String(text.KeyLike)
	return chsql.SQL("arrayExists((k, v) -> match(k, ?) AND ?, mapKeys(?), mapValues(?)) OR arrayCount(k -> match(k, ?), mapKeys(?)) > 1",
		like, valueIs(chsql.SQL("v"), c), column, column, like, column)
}

func valueIs(value chsql.Expr, c queryserver.SeriesCondition) chsql.Expr {
	if c.Like != "" {
		return chsql.SQL("match(?, ?)", value, chsql.String(c.Like))
	}
	return chsql.SQL("? IN ?", value, chsql.Strings(c.In))
}

// SeriesBounds is that of queryserver.SeriesReader.
func (s *Store) SeriesBounds(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion) (map[uint64][]float64, error) {
	r, query, err := boundsQuery(scope, q)
	if err != nil {
		return nil, err
	}
	bounds := make(map[uint64][]float64)
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var id uint64
		var values []float64
		if err := rows.Scan(&id, &values); err != nil {
			return err
		}
		bounds[id] = values
		return nil
	})
	return bounds, err
}

func boundsQuery(scope queryserver.Scope, q queryserver.PointsQuestion) (*reading, chsql.Select, error) {
	r, query, err := pointsOf(scope, histograms(), q)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{chsql.SQL("series_id"), chsql.SQL("groupUniqArrayArray(arrayConcat(explicit_bounds, quantiles))")}
	query.GroupBy = chsql.List{chsql.SQL("series_id")}
	return r, query, nil
}

// SeriesSeen is that of queryserver.SeriesReader. A series may come twice in an interval.
func (s *Store) SeriesSeen(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, interval time.Duration) ([]queryserver.SeriesSeen, error) {
	var all []queryserver.SeriesSeen
	for _, from := range []*table{samples(), histograms()} {
		r, query, err := seenQuery(scope, from, q, interval)
		if err != nil {
			return nil, err
		}
		seen, err := collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.SeriesSeen) error {
			return rows.Scan(&into.Series, &into.Time)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, seen...)
	}
	return all, nil
}

func seenQuery(scope queryserver.Scope, from *table, q queryserver.PointsQuestion, interval time.Duration) (*reading, chsql.Select, error) {
	r, query, err := pointsOf(scope, from, q)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{chsql.SQL("series_id"), chsql.SQL("max(toUnixTimestamp64Milli(timestamp)) AS last")}
	query.GroupBy = chsql.List{chsql.SQL("series_id"), chsql.SQL("intDiv(toUnixTimestamp64Milli(timestamp), ?)", chsql.Int64(interval.Milliseconds()))}
	return r, query, nil
}
