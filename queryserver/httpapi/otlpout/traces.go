package otlpout

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/ptrace"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Traces writes one ExportTraceServiceRequest in pieces. End it.
type Traces struct {
	document
	json bool
}

// NewTraces writes protobuf, or OTLP/JSON.
func NewTraces(to io.Writer, asJSON bool) *Traces {
	return &Traces{document{to: to, head: `{"resourceSpans":[`}, asJSON}
}

// Write adds spans.
func (t *Traces) Write(set queryserver.SpanSet) error {
	message, err := tracesOf(set)
	if err != nil {
		return err
	}
	wire, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	if !t.json {
		_, err := t.to.Write(wire)
		return err
	}
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
	if err != nil {
		return fmt.Errorf("read spans: %w", err)
	}
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	if err != nil {
		return fmt.Errorf("write spans as JSON: %w", err)
	}
	return t.add(text)
}

// End closes the document.
func (t *Traces) End() error {
	if !t.json {
		return nil
	}
	return t.end()
}

// tracesOf groups spans of one resource and scope, in the order of their first.
func tracesOf(set queryserver.SpanSet) (*tracev1.TracesData, error) {
	message := &tracev1.TracesData{}
	resources, scopes := make(map[int]*tracev1.ResourceSpans), make(map[[2]int]*tracev1.ScopeSpans)
	for i := range set.Spans {
		from := &set.Spans[i]
		under := resources[from.Resource]
		if under == nil {
			made, err := resource(set.Resources[from.Resource])
			if err != nil {
				return nil, err
			}
			under = &tracev1.ResourceSpans{Resource: made, SchemaUrl: set.Resources[from.Resource].SchemaURL}
			resources[from.Resource], message.ResourceSpans = under, append(message.ResourceSpans, under)
		}
		key := [2]int{from.Resource, from.Scope}
		among := scopes[key]
		if among == nil {
			made, err := scope(set.Scopes[from.Scope])
			if err != nil {
				return nil, err
			}
			among = &tracev1.ScopeSpans{Scope: made, SchemaUrl: set.Scopes[from.Scope].SchemaURL}
			scopes[key], under.ScopeSpans = among, append(under.ScopeSpans, among)
		}
		one, err := spanOf(from)
		if err != nil {
			return nil, err
		}
		among.Spans = append(among.Spans, one)
	}
	return message, nil
}

func spanOf(from *queryserver.Span) (*tracev1.Span, error) {
	start := uint64(from.Start.UnixNano()) // what is beyond 63 bits comes back as it was
	to := &tracev1.Span{
		TraceState: from.TraceState, Flags: from.Flags, Name: from.Name,
		StartTimeUnixNano: start, EndTimeUnixNano: start + uint64(from.Duration), // it wraps back to what was sent
		DroppedAttributesCount: from.DroppedAttributesCount, DroppedEventsCount: from.DroppedEventsCount, DroppedLinksCount: from.DroppedLinksCount,
	}
	var faults [6]error
	to.TraceId, faults[0] = id(from.TraceID)
	to.SpanId, faults[1] = id(from.SpanID)
	to.ParentSpanId, faults[2] = id(from.ParentSpanID)
	to.Attributes, faults[3] = attributes(from.Attributes)
	var kind, status int32
	kind, faults[4] = number(from.Kind, queryserver.UnspecifiedSpan, queryserver.InternalSpan, queryserver.ServerSpan, queryserver.ClientSpan, queryserver.ProducerSpan, queryserver.ConsumerSpan)
	status, faults[5] = number(from.Status, queryserver.UnsetStatus, queryserver.OKStatus, queryserver.ErrorStatus)
	to.Kind, to.Status = tracev1.Span_SpanKind(kind), &tracev1.Status{Code: tracev1.Status_StatusCode(status), Message: from.StatusMessage}
	return to, errors.Join(errors.Join(faults[:]...), addEvents(from, to), addLinks(from, to))
}

func addEvents(from *queryserver.Span, to *tracev1.Span) error {
	for _, event := range from.Events {
		own, err := attributes(event.Attributes)
		if err != nil {
			return err
		}
		to.Events = append(to.Events, &tracev1.Span_Event{
			TimeUnixNano: uint64(event.Time.UnixNano()), Name: event.Name, Attributes: own, DroppedAttributesCount: event.DroppedAttributesCount, // as the start
		})
	}
	return nil
}

func addLinks(from *queryserver.Span, to *tracev1.Span) error {
	for _, link := range from.Links {
		one := &tracev1.Span_Link{TraceState: link.TraceState, Flags: link.Flags, DroppedAttributesCount: link.DroppedAttributesCount}
		var faults [3]error
		one.TraceId, faults[0] = id(link.TraceID)
		one.SpanId, faults[1] = id(link.SpanID)
		one.Attributes, faults[2] = attributes(link.Attributes)
		if err := errors.Join(faults[:]...); err != nil {
			return err
		}
		to.Links = append(to.Links, one)
	}
	return nil
}

// number is that of a name, or the one that stands for itself.
func number[T ~string](name T, names ...T) (int32, error) {
	if at := slices.Index(names, name); at >= 0 {
		return int32(at), nil
	}
	value, err := strconv.ParseInt(string(name), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read the number %q: %w", string(name), err)
	}
	return int32(value), nil
}
