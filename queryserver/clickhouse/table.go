package clickhouse

import (
	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// table is a storage table, and which dimensions of data filters it holds.
type table struct {
	name  chsql.Expr
	match func(r *reading, of queryserver.Predicate) (condition chsql.Expr, held bool, err error)
}

// The dimensions that are no keys of attributes.
const (
	dimensionService     = "service"
	dimensionEnvironment = "environment"
)

// The tables that queries read.
func logs() *table    { return &table{chsql.SQL("logs"), matchRow(chsql.SQL("log_attributes"))} }
func spans() *table   { return &table{chsql.SQL("spans"), matchRow(chsql.SQL("span_attributes"))} }
func series() *table  { return &table{chsql.SQL("metric_series"), matchRow(chsql.SQL("attributes"))} }
func samples() *table { return &table{chsql.SQL("metric_samples"), matchSeries} }
func histograms() *table {
	return &table{chsql.SQL("metric_histogram_samples"), matchSeries}
}
func exemplars() *table       { return &table{chsql.SQL("exemplars"), matchSeries} }
func rollups() *table         { return &table{chsql.SQL("metric_rollup_5m"), matchSeries} }
func traces() *table          { return &table{chsql.SQL("traces"), matchNothing} } // a summary of spans that some may not see
func serviceActivity() *table { return &table{chsql.SQL("service_activity"), matchService} }
func metricActivity() *table  { return &table{chsql.SQL("metric_activity"), matchService} }

func matchNothing(*reading, queryserver.Predicate) (chsql.Expr, bool, error) {
	return chsql.Expr{}, false, nil
}

func matchService(_ *reading, of queryserver.Predicate) (chsql.Expr, bool, error) {
	if of.Dimension != dimensionService {
		return chsql.Expr{}, false, nil
	}
	return chsql.SQL("service_name IN ?", chsql.Strings(of.Values)), true, nil
}

// matchRow is for tables with attributes in each row. The resource's attribute counts
// before that of the item, which whoever writes the item chooses.
func matchRow(attributes chsql.Expr) func(*reading, queryserver.Predicate) (chsql.Expr, bool, error) {
	return func(r *reading, of queryserver.Predicate) (chsql.Expr, bool, error) {
		values := chsql.Strings(of.Values)
		switch of.Dimension {
		case dimensionService:
			return matchService(r, of)
		case dimensionEnvironment:
			return chsql.SQL("? IN ?", environment(), values), true, nil
		}
		key := chsql.String(of.Dimension)
		return chsql.SQL("multiIf(mapContains(resource_attributes, ?), resource_attributes[?] IN ?, mapContains(?, ?), ?[?] IN ?, false)",
			key, key, values, attributes, key, attributes, key, values), true, nil
	}
}

// environment is deployment.environment.name, or what it was called before semantic
// conventions 1.27.
func environment() chsql.Expr {
	return chsql.SQL("if(mapContains(resource_attributes, 'deployment.environment.name'), resource_attributes['deployment.environment.name'], resource_attributes['deployment.environment'])")
}

// matchSeries is for tables of samples, whose attributes are in metric_series.
func matchSeries(r *reading, of queryserver.Predicate) (chsql.Expr, bool, error) {
	if of.Dimension == dimensionService {
		return matchService(r, of)
	}
	condition, _, err := series().match(r, of)
	if err != nil {
		return chsql.Expr{}, false, err
	}
	of1 := &reading{in: r.in}
	inner, err := of1.of(series())
	if err != nil {
		return chsql.Expr{}, false, err
	}
	inner.Columns, inner.Where = chsql.List{chsql.SQL("series_id")}, append(inner.Where, condition)
	return chsql.SQL("series_id IN (?)", inner.Expr()), true, nil
}
