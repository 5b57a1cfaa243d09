package jaeger

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

func (a *api) services3(ctx context.Context, scope queryserver.Scope, _ parameters) (any, error) {
	names, err := a.serviceNames(ctx, scope)
	return map[string]any{"services": names}, err
}

func (a *api) operations3(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	service, _, err := p.text("service")
	if err != nil {
		return nil, err
	}
	if service == "" {
		return nil, bad("service", "is required")
	}
	kind, _, err := p.text("spanKind", "span_kind")
	if err != nil {
		return nil, err
	}
	list, err := a.operationsOf(ctx, scope, service, kind)
	return map[string]any{"operations": list}, err
}

func (a *api) trace3(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	id, err := p.traceID()
	if err != nil {
		return nil, err
	}
	in := queryserver.TimeRange{}
	if in.From, err = p.rfc3339("startTime", "start_time"); err != nil {
		return nil, err
	}
	if in.To, err = p.rfc3339("endTime", "end_time"); err != nil {
		return nil, err
	}
	if !in.From.IsZero() && in.To.IsZero() {
		in.To = time.Now().UTC().Add(time.Minute)
	}
	found, err := a.store.Trace(ctx, scope, id, in)
	if err != nil {
		return nil, err
	}
	return result(found)
}

// search3 gives the spans of all traces in one document.
func (a *api) search3(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	query, err := p.search3()
	if err != nil {
		return nil, err
	}
	found, _, err := a.find(ctx, scope, query)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, queryserver.Errorf(queryserver.NotFound, "No traces found")
	}
	return result(found...)
}

// search3 reads the parameters of a search, in the spelling of JSON or of protobuf.
func (p parameters) search3() (query queryserver.TraceQuery, err error) {
	if query.Service, _, err = p.text("query.serviceName", "query.service_name"); err != nil {
		return query, err
	}
	if query.Operation, _, err = p.text("query.operationName", "query.operation_name"); err != nil {
		return query, err
	}
	if query.In.From, err = p.rfc3339("query.startTimeMin", "query.start_time_min"); err != nil {
		return query, err
	}
	if query.In.To, err = p.rfc3339("query.startTimeMax", "query.start_time_max"); err != nil {
		return query, err
	}
	if query.In.From.IsZero() || query.In.To.IsZero() {
		return query, bad("query.startTimeMin", "and query.startTimeMax are required")
	}
	if query.In, err = checked(query.In, "query.startTimeMin"); err != nil {
		return query, err
	}
	attributes := make(map[string]string)
	if text, name, err := p.text("query.attributes"); err != nil {
		return query, err
	} else if text != "" {
		if err := readTags(text, attributes); err != nil {
			return query, bad(name, err.Error())
		}
	}
	if len(attributes) > maxTags {
		return query, bad("query.attributes", "are too many")
	}
	query.Where = where(attributes)
	least, most := "query.durationMin", "query.durationMax"
	if p.query.Get(least) == "" && p.query.Get(most) == "" {
		least, most = "query.duration_min", "query.duration_max"
	}
	return p.filled(query, "query.searchDepth", least, most, "query.search_depth", "query.num_traces")
}

// rfc3339 is a time by any of its names; zero when it is not given.
func (p parameters) rfc3339(names ...string) (time.Time, error) {
	value, name, err := p.text(names...)
	if err != nil || value == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return t, bad(name, "must be a time such as 2026-01-02T03:04:05Z")
	}
	return t.UTC(), nil
}

// result wraps traces as OTLP/JSON (GRPCGatewayWrapper).
func result(found ...queryserver.Trace) (any, error) {
	var text bytes.Buffer
	document := otlpout.NewTraces(&text, true)
	for _, one := range found {
		if err := document.Write(one.SpanSet); err != nil {
			return nil, err
		}
	}
	err := document.End()
	return map[string]json.RawMessage{"result": text.Bytes()}, err
}
