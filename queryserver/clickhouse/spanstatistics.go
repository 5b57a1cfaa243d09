package clickhouse

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// SpanStatistics counts spans by bucket and group, in one statement. Quantiles are those of
// the function quantiles: exact up to 8192 spans, of a sample of as many beyond.
func (s *Store) SpanStatistics(ctx context.Context, scope queryserver.Scope, query queryserver.SpanStatisticsQuery) (queryserver.SpanStatistics, error) {
	r, statement, err := statisticsQuery(scope, query)
	if err != nil {
		return queryserver.SpanStatistics{}, err
	}
	length := query.Step
	if length == 0 {
		length = query.In.To.Sub(query.In.From)
	}
	groups := make(map[string]*queryserver.SpanGroup)
	err = s.ask(ctx, r, statement, func(rows driver.Rows) error {
		var values []string
		var bucket int64
		var quantiles []float64
		var point queryserver.SpanStatistic
		if err := rows.Scan(&values, &bucket, &point.Count, &point.Errors, &quantiles); err != nil {
			return err
		}
		point.Time = time.Unix(0, bucket).UTC()
		point.Rate = float64(point.Count) / length.Seconds()
		point.ErrorRate = float64(point.Errors) / float64(point.Count)
		point.P50, point.P90, point.P95, point.P99 = quantiles[0], quantiles[1], quantiles[2], quantiles[3]
		key := strings.Join(values, "\x00")
		if groups[key] == nil {
			groups[key] = &queryserver.SpanGroup{Values: values}
		}
		groups[key].Points = append(groups[key].Points, point)
		return nil
	})
	return largest(groups, query.Limit), err
}

// largest keeps the groups with most spans. One more than the limit was asked for.
func largest(groups map[string]*queryserver.SpanGroup, limit int) queryserver.SpanStatistics {
	all := make([]queryserver.SpanGroup, 0, len(groups))
	total := make(map[string]uint64, len(groups))
	for key, group := range groups {
		for _, point := range group.Points {
			total[key] += point.Count
		}
		all = append(all, *group)
	}
	slices.SortFunc(all, func(a, b queryserver.SpanGroup) int {
		keyA, keyB := strings.Join(a.Values, "\x00"), strings.Join(b.Values, "\x00")
		return cmp.Or(cmp.Compare(total[keyB], total[keyA]), cmp.Compare(keyA, keyB))
	})
	return queryserver.SpanStatistics{Groups: all[:min(len(all), limit)], Truncated: len(all) > limit}
}

func statisticsQuery(scope queryserver.Scope, query queryserver.SpanStatisticsQuery) (*reading, chsql.Select, error) {
	r, from, err := spansOf(scope, query.SpanFilter)
	if err != nil {
		return nil, from, err
	}
	group := groupOf(query.GroupBy)
	if len(query.GroupBy) > 0 {
		_, most, err := spansOf(scope, query.SpanFilter)
		if err != nil {
			return nil, from, err
		}
		most.Columns, most.GroupBy = chsql.List{group}, chsql.List{group}
		most.OrderBy, most.Limit = chsql.List{chsql.SQL("count() DESC"), group}, query.Limit+1
		from.Where = append(from.Where, chsql.SQL("? IN (?)", group, most.Expr()))
	}
	bucket := chsql.SQL("toInt64(?)", chsql.Int64(query.In.From.UnixNano()))
	if query.Step > 0 {
		from, step := chsql.Int64(query.In.From.UnixNano()), chsql.Int64(int64(query.Step))
		bucket = chsql.SQL("? + intDiv(toUnixTimestamp64Nano(timestamp) - ?, ?) * ?", from, from, step, step)
	}
	from.Columns = chsql.List{
		chsql.SQL("? AS groups", group), chsql.SQL("? AS bucket", bucket), chsql.SQL("count()"), chsql.SQL("countIf(status_code = 2)"),
		chsql.SQL("quantiles(0.5, 0.9, 0.95, 0.99)(duration_nano)"),
	}
	from.GroupBy = chsql.List{chsql.SQL("groups"), chsql.SQL("bucket")}
	from.OrderBy = chsql.List{chsql.SQL("bucket")}
	return r, from, nil
}

// groupOf is what spans are grouped by, as an array of texts.
func groupOf(by []string) chsql.Expr {
	if len(by) == 0 {
		return chsql.SQL("emptyArrayString()")
	}
	var texts chsql.List
	for _, name := range by {
		texts = append(texts, groupText(name))
	}
	return chsql.SQL("[?]", texts)
}

// groupText is one of the names, or the value of an attribute: that of the resource goes
// before that of the span, as in data filters.
func groupText(name string) chsql.Expr {
	switch name {
	case "service":
		return chsql.SQL("toString(service_name)")
	case "operation":
		return chsql.SQL("toString(span_name)")
	case "kind":
		return chsql.SQL("transform(span_kind, [0, 1, 2, 3, 4, 5], ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'], toString(span_kind))")
	case "status":
		return chsql.SQL("transform(status_code, [0, 1, 2], ['UNSET', 'OK', 'ERROR'], toString(status_code))")
	}
	key := chsql.String(name)
	return chsql.SQL("if(mapContains(resource_attributes, ?), toString(resource_attributes[?]), span_attributes[?])", key, key, key)
}
