package resource

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// ParseSearch reads the search language (package search). The location is for its faults.
type ParseSearch func(text, location string) (queryserver.Search, error)

type logResource struct {
	store queryserver.Telemetry
	parse ParseSearch
}

// LogRoutes are the log records of a tenant.
func LogRoutes(store queryserver.Telemetry, parse ParseSearch) []httpapi.Route {
	l := &logResource{store, parse}
	reads := httpapi.Requires(queryserver.LogsRead)
	export := func(path, id, summary string) httpapi.Operation {
		o := readTelemetry(path, id, summary)
		o.Description = "All records of the time range, oldest first unless order says otherwise. More than clickhouse::limits::export_rows are refused. An export that fails after it began ends without the end of its body."
		return o
	}
	return []httpapi.Route{
		httpapi.JSON(reads, readTelemetry("logs", "listLogs", "List log records, newest first"), l.list),
		httpapi.JSON(reads, readTelemetry("logs/query", "queryLogs", "Count log records by time and by fields"), l.query),
		httpapi.JSON(reads, readTelemetry("logs/fields", "listLogFields", "List the fields that log records have"), l.fields),
		httpapi.JSON(reads, readTelemetry("logs/fields/values", "listLogFieldValues", "List the values of a field, the most frequent first"), l.values),
		httpapi.JSON(reads, readTelemetry("logs/context", "getLogContext", "Get a log record with those before and after it"), l.context),
		httpapi.Stream(reads, export("logs/export", "exportLogs", "Export log records, one JSON object a line"), []string{kindNDJSON}, l.ndjson),
		httpapi.Stream(reads, export("logs/otlp", "exportLogsOTLP", "Export log records as an OTLP request"), []string{kindJSON, kindProtobuf}, l.otlp),
	}
}

// Media types of exports.
const (
	kindNDJSON   = "application/x-ndjson"
	kindJSON     = "application/json"
	kindProtobuf = "application/x-protobuf"
)

// LogFilter is which records a question is about.
type LogFilter struct {
	Within
	Q          string `query:"q" maxLength:"4096" doc:"The search language" example:"level>=error \"connection reset\""`
	Severity   string `query:"severity" maxLength:"32" doc:"At least this level, by name or number" example:"warn"`
	Service    string `query:"service" maxLength:"256"`
	TraceID    string `query:"traceId" maxLength:"32" pattern:"^[0-9a-fA-F]{32}$" doc:"Without from, the seven days before to"`
	SpanID     string `query:"spanId" maxLength:"16" pattern:"^[0-9a-fA-F]{16}$"`
	Attributes string `query:"attributes" maxLength:"2048" doc:"key=value, several by commas; values with commas go into q" example:"http.request.method=GET"`
}

// traceRange is how far back the records of a trace are looked for.
const traceRange = 7 * 24 * time.Hour

// question is the time range and the search of a filter.
func (l *logResource) question(f LogFilter) (queryserver.TimeRange, queryserver.Search, error) {
	in, err := f.timeRange()
	if err != nil {
		return in, queryserver.Search{}, err
	}
	if f.TraceID != "" && f.From.IsZero() {
		in.From = in.To.Add(-traceRange)
	}
	search, err := l.parse(f.Q, "query.q")
	if err != nil {
		return in, search, err
	}
	add := func(field string, is queryserver.Comparison, text string, quoted bool) {
		if text != "" {
			value := queryserver.SearchValue{Text: text, Quoted: quoted}
			search = search.And(queryserver.Search{Op: queryserver.SearchMatch, Match: &queryserver.Match{Field: field, Is: is, Any: []queryserver.SearchValue{value}}})
		}
	}
	add("level", queryserver.AtLeast, f.Severity, false)
	add("service", queryserver.Equal, f.Service, true)
	add("trace_id", queryserver.Equal, f.TraceID, false)
	add("span_id", queryserver.Equal, f.SpanID, false)
	if f.Attributes == "" {
		return in, search, nil
	}
	for pair := range strings.SplitSeq(f.Attributes, ",") {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" || value == "" {
			return in, search, invalid("query.attributes", "must be key=value, several by commas")
		}
		add(key, queryserver.Equal, value, false)
	}
	return in, search, nil
}

// LogOrder is the order of records by time.
type LogOrder struct {
	Order string `query:"order" enum:"newest,oldest" default:"newest" doc:"What comes first"`
}

type listLogsInput struct {
	LogFilter
	LogOrder
	httpapi.Page
}

type logListOutput struct {
	Cached
	Link string `header:"Link" doc:"The next page, rel=next (RFC 8288)"`
	Body httpapi.ListBody[queryserver.LogRecord]
}

func (l *logResource) list(ctx context.Context, call queryserver.Call, input *listLogsInput) (*logListOutput, error) {
	in, search, err := l.question(input.LogFilter)
	if err != nil {
		return nil, err
	}
	query := queryserver.LogQuery{In: in, Search: search, OldestFirst: input.Order == "oldest", Limit: input.Limit + 1}
	var at queryserver.LogPosition
	if more, err := input.After(ctx, &at); err != nil {
		return nil, err
	} else if more {
		query.After = &at
	}
	ctx, trail := queryserver.WithTrail(ctx)
	records, err := l.store.LogRecords(ctx, call.Scope, query)
	if err != nil {
		return nil, err
	}
	list, err := httpapi.NewList(ctx, input.Page, records, func(r queryserver.LogRecord) any { return r.Position() })
	if err != nil {
		return nil, err
	}
	return &logListOutput{Cached: cachedBy(trail), Link: list.Link, Body: list.Body}, nil
}

func invalid(location, format string, arguments ...any) error {
	return &queryserver.Error{
		Code: queryserver.Invalid, Message: "the request cannot be used",
		Fields: []queryserver.FieldError{{Location: location, Message: fmt.Sprintf(format, arguments...)}},
	}
}
