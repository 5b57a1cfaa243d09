package clickhouse

import (
	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// points begins a SELECT from a table of data points: those of the selected series.
func (r *reading) points(from *table, q queryserver.MetricSelector) (chsql.Select, error) {
	query, err := r.of(from)
	if err != nil {
		return query, err
	}
	query.Where = append(query.Where, named(q)...)
	var others []queryserver.LabelMatch
	for _, match := range q.Match {
		if match.Label.Origin == queryserver.ServiceLabel {
			query.Where = append(query.Where, matching(match))
		} else {
			others = append(others, match)
		}
	}
	if len(others) > 0 {
		ids, err := r.seriesOf(queryserver.MetricSelector{In: q.In, Metrics: q.Metrics, Services: q.Services, Match: others})
		if err != nil {
			return query, err
		}
		ids.Columns = chsql.List{chsql.SQL("series_id")}
		query.Where = append(query.Where, chsql.SQL("series_id IN (?)", ids.Expr()))
	}
	return query, nil
}

// seriesOf begins a SELECT from metric_series. It holds a series once for each day with
// points, and until it merges more often.
func (r *reading) seriesOf(q queryserver.MetricSelector) (chsql.Select, error) {
	query, err := r.of(series())
	if err != nil {
		return query, err
	}
	query.Where = append(append(query.Where, named(q)...), days(q.In))
	for _, match := range q.Match {
		query.Where = append(query.Where, matching(match))
	}
	return query, nil
}

// named are the conditions on the columns that every table of metrics has.
func named(q queryserver.MetricSelector) chsql.List {
	var all chsql.List
	switch {
	case len(q.Metrics) == 1: // a constant, so that the sort key is read in order
		all = append(all, chsql.SQL("metric_name = ?", chsql.String(q.Metrics[0])))
	case len(q.Metrics) > 1:
		all = append(all, chsql.SQL("metric_name IN ?", chsql.Strings(q.Metrics)))
	}
	if len(q.Services) > 0 {
		all = append(all, chsql.SQL("service_name IN ?", chsql.Strings(q.Services)))
	}
	return all
}

// days are those that a time range touches.
func days(in queryserver.TimeRange) chsql.Expr {
	return chsql.SQL("day >= ? AND day <= ?", chsql.Date(in.From), chsql.Date(in.To.Add(-1)))
}

// matching is a match as a condition.
func matching(match queryserver.LabelMatch) chsql.Expr {
	label := labelOf(match.Label)
	switch match.Operator {
	case queryserver.MatchIn:
		return chsql.SQL("? IN ?", label, chsql.Strings(match.Values))
	case queryserver.MatchNotIn:
		return chsql.SQL("? NOT IN ?", label, chsql.Strings(match.Values))
	case queryserver.MatchPrefix:
		return chsql.SQL("startsWith(?, ?)", label, chsql.String(match.Values[0]))
	case queryserver.MatchRegex:
		return chsql.SQL("match(?, ?)", label, whole(match.Values[0]))
	default:
		return chsql.SQL("NOT match(?, ?)", label, whole(match.Values[0]))
	}
}

// whole is a regular expression that must match all of a text.
func whole(pattern string) chsql.Value { return chsql.String("^(?:" + pattern + ")$") }

// labelOf is a label of a series as a string; empty when it is missing.
func labelOf(label queryserver.Label) chsql.Expr {
	switch label.Origin {
	case queryserver.ServiceLabel:
		return chsql.SQL("toString(service_name)")
	case queryserver.EnvironmentLabel:
		return chsql.SQL("toString(?)", environment())
	case queryserver.ResourceLabel:
		return chsql.SQL("toString(resource_attributes[?])", chsql.String(label.Key))
	default:
		return chsql.SQL("attributes[?]", chsql.String(label.Key))
	}
}

// before is a time range with what must be known of before it.
func before(in queryserver.TimeRange) queryserver.TimeRange {
	return queryserver.TimeRange{From: in.From.Add(-queryserver.MetricLookBack), To: in.To}
}

// recorded leaves out data points without a value (OTLP's DataPointFlags).
func recorded() chsql.Expr { return chsql.SQL("NOT bitTest(flags, 0)") }
