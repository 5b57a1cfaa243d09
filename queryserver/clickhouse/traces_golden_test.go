package clickhouse

import (
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// selection is a filter with everything in it.
func selection() queryserver.SpanFilter {
	return queryserver.SpanFilter{
		In: goldenRange, Service: "shop", Operation: "GET /", Kind: queryserver.ServerSpan, Status: queryserver.ErrorStatus,
		MinDuration: time.Millisecond, MaxDuration: time.Minute, Roots: true, Where: match("http.route", queryserver.Equal, bare("/")),
	}
}

func TestGolden_Traces(t *testing.T) {
	t.Parallel()
	id, ids := traceID(1), []queryserver.TraceID{traceID(1), traceID(2)}
	after := &queryserver.TracePosition{At: goldenRange.From.UnixNano(), TraceID: id}
	all := queryserver.SpanFilter{In: goldenRange}
	traces := func(make positionsQuery, query queryserver.TraceQuery) func(queryserver.Scope) (chsql.Select, error) {
		return func(scope queryserver.Scope) (chsql.Select, error) {
			query.Limit = 50
			_, statement, err := make(scope, query)
			return statement, err
		}
	}
	statistics := func(query queryserver.SpanStatisticsQuery) func(queryserver.Scope) (chsql.Select, error) {
		return func(scope queryserver.Scope) (chsql.Select, error) {
			query.Limit = 20
			_, statement, err := statisticsQuery(scope, query)
			return statement, err
		}
	}
	golden(t, "traces", statements{
		"newest":         traces(newestQuery, queryserver.TraceQuery{SpanFilter: all}),
		"newest_of_some": traces(newestQuery, queryserver.TraceQuery{SpanFilter: selection(), After: after}),
		"slowest":        traces(slowestQuery, queryserver.TraceQuery{SpanFilter: all, After: after}),
		"slowest_of":     traces(slowestQuery, queryserver.TraceQuery{SpanFilter: selection()}),
		"words": traces(newestQuery, queryserver.TraceQuery{SpanFilter: queryserver.SpanFilter{In: goldenRange, Where: queryserver.Search{
			Op: queryserver.SearchAll, Of: []queryserver.Search{match("", queryserver.Contains, bare("timeout")), match("duration", queryserver.AtLeast, bare("250ms")), match("kind", queryserver.NotEqual, bare("client"))},
		}}}),
		"present": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := presentQuery(scope, all, goldenRange, []queryserver.TracePosition{{TraceID: ids[0]}, {TraceID: ids[1]}})
			return query, err
		},
		"summaries": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := summariesQuery(scope, goldenRange, ids)
			if err == errDimension { //nolint:errorlint // it is not wrapped
				err = queryserver.Errorf(queryserver.Forbidden, "not asked for such callers")
			}
			return query, err
		},
		"span_summaries": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := spanSummariesQuery(scope, goldenRange, ids)
			return query, err
		},
		"bounds": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := traceBoundsQuery(scope, id, queryserver.TimeRange{})
			return query, err
		},
		"bounds_within": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := traceBoundsQuery(scope, id, goldenRange)
			return query, err
		},
		"trace": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := traceQuery(scope, id, goldenRange, 101)
			return query, err
		},
		"spans": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := newestSpansQuery(scope, queryserver.SpanQuery{SpanFilter: selection(), After: &queryserver.SpanPosition{At: 1, IngestID: 2}, Limit: 50})
			return query, err
		},
		"spans_at": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := spansAtQuery(scope, []queryserver.SpanPosition{{At: goldenRange.From.UnixNano(), IngestID: 7}})
			return query, err
		},
		"export": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := exportQuery(scope, all, &queryserver.SpanPosition{At: 1, IngestID: 2})
			return query, err
		},
		"statistics":      statistics(queryserver.SpanStatisticsQuery{SpanFilter: all}),
		"statistics_over": statistics(queryserver.SpanStatisticsQuery{SpanFilter: selection(), Step: time.Minute, GroupBy: []string{"service", "operation", "kind", "status", "http.route"}}),
		"map_size": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := mapSizeQuery(scope, goldenRange)
			return query, err
		},
		"map": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := mapQuery(scope, goldenRange, 1)
			return query, err
		},
		"map_sampled": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := mapQuery(scope, goldenRange, 3)
			return query, err
		},
	})
}
