package clickhouse

import (
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func match(field string, is queryserver.Comparison, values ...queryserver.SearchValue) queryserver.Search {
	return queryserver.Search{Op: queryserver.SearchMatch, Match: &queryserver.Match{Field: field, Is: is, Any: values}}
}

func bare(text string) queryserver.SearchValue { return queryserver.SearchValue{Text: text} }
func quoted(text string) queryserver.SearchValue {
	return queryserver.SearchValue{Text: text, Quoted: true}
}
func prefix(text string) queryserver.SearchValue {
	return queryserver.SearchValue{Text: text, Prefix: true}
}

func TestGolden_Logs(t *testing.T) {
	t.Parallel()
	page := func(q queryserver.LogQuery) func(queryserver.Scope) (chsql.Select, error) {
		return func(scope queryserver.Scope) (chsql.Select, error) {
			q.In, q.Limit = goldenRange, 51
			_, query, err := logsQuery(scope, q)
			return query, err
		}
	}
	searched := func(tree queryserver.Search) func(queryserver.Scope) (chsql.Select, error) {
		return page(queryserver.LogQuery{Search: tree})
	}
	at := queryserver.LogPosition{Timestamp: goldenRange.From.Add(time.Second), IngestID: 42}
	series := func(by string) func(queryserver.Scope) (chsql.Select, error) {
		return func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := histogramQuery(scope, queryserver.LogSeries{In: goldenRange, Step: time.Minute, By: by, Limit: 10, Search: match("", queryserver.Contains, bare("reset"))})
			return query, err
		}
	}
	golden(t, "logs", statements{
		"page":            page(queryserver.LogQuery{}),
		"page_after":      page(queryserver.LogQuery{After: &at}),
		"page_oldest":     page(queryserver.LogQuery{After: &at, OldestFirst: true}),
		"search_word":     searched(match("", queryserver.Contains, bare("reset"))),
		"search_phrase":   searched(match("", queryserver.Contains, quoted("Connection reset"))),
		"search_level":    searched(match("level", queryserver.AtLeast, bare("error"))),
		"search_trace":    searched(match("trace_id", queryserver.Equal, bare("0102030405060708090a0b0c0d0e0f10"))),
		"search_key":      searched(match("http.method", queryserver.Contains, bare("GET"), quoted("PUT"))),
		"search_own":      searched(match("attributes.order.id", queryserver.Equal, bare("5"))),
		"search_resource": searched(match("resource.host.name", queryserver.Contains, prefix("a"))),
		"search_number":   searched(match("http.status_code", queryserver.AtLeast, bare("500"))),
		"search_regexp":   searched(match("http.route", queryserver.Matches, quoted("^/api"))),
		"search_tree": searched(queryserver.Search{Op: queryserver.SearchAny, Of: []queryserver.Search{
			match("service", queryserver.Equal, bare("shop")),
			{Op: queryserver.SearchNot, Of: []queryserver.Search{match("event_name", queryserver.Exists)}},
		}}),
		"histogram_level": series("level"),
		"histogram_field": series("http.route"),
		"groups": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := groupsQuery(scope, queryserver.LogGroups{In: goldenRange, By: []string{"http.route", "level"}, Prefix: "/api", Limit: 10})
			return query, err
		},
		"fields": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := fieldsQuery(scope, goldenRange, queryserver.Search{})
			return query, err
		},
		"record": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := recordQuery(scope, at)
			return query, err
		},
		"export_count": func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := exportCountQuery(scope, queryserver.LogQuery{In: goldenRange}, 1000)
			return query, err
		},
	})
}

func TestGolden_Services(t *testing.T) {
	t.Parallel()
	of := func(signal queryserver.Signal) func(queryserver.Scope) (chsql.Select, error) {
		return func(scope queryserver.Scope) (chsql.Select, error) {
			_, query, err := servicesQuery(scope, signal, goldenRange)
			return query, err
		}
	}
	golden(t, "services", statements{"metrics": of(queryserver.Metrics), "logs": of(queryserver.Logs), "traces": of(queryserver.Traces)})
}
