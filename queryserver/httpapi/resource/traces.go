package resource

import (
	"context"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

type traces struct {
	store queryserver.TraceReader
	parse ParseSearch
}

// TraceRoutes are what can be asked about spans.
func TraceRoutes(store queryserver.TraceReader, parse ParseSearch) []httpapi.Route {
	t := &traces{store, parse}
	may := httpapi.Requires(queryserver.TracesRead)
	exported := readTelemetry("traces/otlp", "exportTracesOTLP", "Export spans as an OTLP request")
	exported.Description = "All spans of the time range that are as asked for, oldest first. An export that fails after it began ends without the end of its body."
	return []httpapi.Route{
		httpapi.JSON(may, readTelemetry("traces", "listTraces", "List traces of which a span is as asked for"), t.list),
		httpapi.JSON(may, readTelemetry("traces/query", "queryTraces", "Count spans: rate, errors and durations, over time and by group"), t.statistics),
		httpapi.JSON(may, readTelemetry("traces/{traceId}", "getTrace", "Read a whole trace"), t.trace),
		httpapi.Stream(may, exported, []string{kindJSON, kindProtobuf}, t.export),
		httpapi.JSON(may, readTelemetry("spans", "listSpans", "List spans, newest first"), t.spans),
		httpapi.JSON(may, readTelemetry("operations", "listOperations", "List the operations of a service with rate, errors and durations"), t.operations),
		httpapi.JSON(may, readTelemetry("service-map", "getServiceMap", "Read who calls whom"), t.serviceMap),
	}
}

type listTracesInput struct {
	SpanSelection
	httpapi.Page
	Order string `query:"order" enum:"newest,slowest" default:"newest" doc:"By the first span that is as asked for, or by the time from the first to the last moment"`
}

type traceListOutput struct {
	Cached
	Link string `header:"Link" doc:"The next page, rel=next (RFC 8288)"`
	Body httpapi.ListBody[queryserver.TraceSummary]
}

func (t *traces) list(ctx context.Context, call queryserver.Call, input *listTracesInput) (*traceListOutput, error) {
	filter, err := input.filter(t.parse)
	if err != nil {
		return nil, err
	}
	query := queryserver.TraceQuery{SpanFilter: filter, Order: queryserver.TraceOrder(input.Order), Limit: input.Limit}
	var after queryserver.TracePosition
	if more, err := input.After(ctx, &after); err != nil {
		return nil, err
	} else if more {
		query.After = &after
	}
	ctx, trail := queryserver.WithTrail(ctx)
	found, err := t.store.Traces(ctx, call.Scope, query)
	if err != nil {
		return nil, err
	}
	page, err := httpapi.NewList(ctx, input.Page, found.Items, func(queryserver.TraceSummary) any { return found.Positions[input.Limit-1] })
	if err != nil {
		return nil, err
	}
	return &traceListOutput{cachedBy(trail), page.Link, page.Body}, nil
}

type traceInput struct {
	Around
	TraceID string `path:"traceId" minLength:"32" maxLength:"32" pattern:"^[0-9a-fA-F]{32}$" doc:"32 hexadecimal digits"`
}

// Around is where in time to look; it may be left out.
type Around struct {
	Within
}

// given is the time range if one is given.
func (a Around) given() (queryserver.TimeRange, error) {
	if a.From.IsZero() && a.To.IsZero() {
		return queryserver.TimeRange{}, nil
	}
	return a.timeRange()
}

type traceOutput struct {
	Cached
	Body queryserver.Trace
}

func (t *traces) trace(ctx context.Context, call queryserver.Call, input *traceInput) (*traceOutput, error) {
	var id queryserver.TraceID
	if err := id.UnmarshalText([]byte(input.TraceID)); err != nil {
		return nil, err
	}
	in, err := input.given()
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	trace, err := t.store.Trace(ctx, call.Scope, id, in)
	if err != nil {
		return nil, err
	}
	return &traceOutput{cachedBy(trail), trace}, nil
}

type listSpansInput struct {
	SpanSelection
	httpapi.Page
}

type spansOutput struct {
	Cached
	Link string `header:"Link" doc:"The next page, rel=next (RFC 8288)"`
	Body struct {
		Items      []queryserver.Span            `json:"items" nullable:"false"`
		Resources  []queryserver.Resource        `json:"resources" nullable:"false"`
		Scopes     []queryserver.Instrumentation `json:"scopes" nullable:"false"`
		NextCursor string                        `json:"nextCursor,omitempty" doc:"Absent on the last page"`
	}
}

func (t *traces) spans(ctx context.Context, call queryserver.Call, input *listSpansInput) (*spansOutput, error) {
	filter, err := input.filter(t.parse)
	if err != nil {
		return nil, err
	}
	query := queryserver.SpanQuery{SpanFilter: filter, Limit: input.Limit}
	var after queryserver.SpanPosition
	if more, err := input.After(ctx, &after); err != nil {
		return nil, err
	} else if more {
		query.After = &after
	}
	ctx, trail := queryserver.WithTrail(ctx)
	found, err := t.store.Spans(ctx, call.Scope, query)
	if err != nil {
		return nil, err
	}
	page, err := httpapi.NewList(ctx, input.Page, found.Spans, func(queryserver.Span) any { return found.Positions[input.Limit-1] })
	if err != nil {
		return nil, err
	}
	output := &spansOutput{Cached: cachedBy(trail), Link: page.Link}
	output.Body.Items, output.Body.NextCursor = page.Body.Items, page.Body.NextCursor
	output.Body.Resources, output.Body.Scopes = found.Resources, found.Scopes
	return output, nil
}
