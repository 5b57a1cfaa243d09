package otlp

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Traces makes OTLP of spans.
func Traces(set queryserver.SpanSet) (ptrace.Traces, error) {
	td := ptrace.NewTraces()
	resources := make(map[int]ptrace.ResourceSpans)
	scopes := make(map[[2]int]ptrace.ScopeSpans)
	for i := range set.Spans {
		span := &set.Spans[i]
		under, known := resources[span.Resource]
		if !known {
			under = td.ResourceSpans().AppendEmpty()
			resources[span.Resource] = under
			if err := resource(set.Resources[span.Resource], under); err != nil {
				return td, err
			}
		}
		key := [2]int{span.Resource, span.Scope}
		among, known := scopes[key]
		if !known {
			among = under.ScopeSpans().AppendEmpty()
			scopes[key] = among
			if err := scope(set.Scopes[span.Scope], among); err != nil {
				return td, err
			}
		}
		if err := write(span, among.Spans().AppendEmpty()); err != nil {
			return td, err
		}
	}
	return td, nil
}

func resource(from queryserver.Resource, to ptrace.ResourceSpans) error {
	to.SetSchemaUrl(from.SchemaURL)
	if err := entities(from.EntityRefs, to.Resource()); err != nil {
		return err
	}
	to.Resource().SetDroppedAttributesCount(from.DroppedAttributesCount)
	return attributes(from.Attributes, to.Resource().Attributes())
}

func scope(from queryserver.Instrumentation, to ptrace.ScopeSpans) error {
	to.SetSchemaUrl(from.SchemaURL)
	to.Scope().SetName(from.Name)
	to.Scope().SetVersion(from.Version)
	to.Scope().SetDroppedAttributesCount(from.DroppedAttributesCount)
	return attributes(from.Attributes, to.Scope().Attributes())
}

func write(from *queryserver.Span, to ptrace.Span) error {
	to.SetTraceID(pcommon.TraceID(id16(from.TraceID)))
	to.SetSpanID(pcommon.SpanID(id8(from.SpanID)))
	to.SetParentSpanID(pcommon.SpanID(id8(from.ParentSpanID)))
	to.TraceState().FromRaw(from.TraceState)
	to.SetFlags(from.Flags)
	to.SetName(from.Name)
	start := nanoseconds(from.Start)
	to.SetStartTimestamp(start)
	to.SetEndTimestamp(start + pcommon.Timestamp(from.Duration)) //nolint:gosec // it wraps back to what was sent
	kind, err := number(from.Kind, queryserver.UnspecifiedSpan, queryserver.InternalSpan, queryserver.ServerSpan, queryserver.ClientSpan, queryserver.ProducerSpan, queryserver.ConsumerSpan)
	if err != nil {
		return err
	}
	status, err := number(from.Status, queryserver.UnsetStatus, queryserver.OKStatus, queryserver.ErrorStatus)
	if err != nil {
		return err
	}
	to.SetKind(ptrace.SpanKind(kind))
	to.Status().SetCode(ptrace.StatusCode(status))
	to.Status().SetMessage(from.StatusMessage)
	to.SetDroppedAttributesCount(from.DroppedAttributesCount)
	to.SetDroppedEventsCount(from.DroppedEventsCount)
	to.SetDroppedLinksCount(from.DroppedLinksCount)
	if err := attributes(from.Attributes, to.Attributes()); err != nil {
		return err
	}
	return writeParts(from, to)
}

func writeParts(from *queryserver.Span, to ptrace.Span) error {
	for _, event := range from.Events {
		one := to.Events().AppendEmpty()
		one.SetTimestamp(nanoseconds(event.Time))
		one.SetName(event.Name)
		one.SetDroppedAttributesCount(event.DroppedAttributesCount)
		if err := attributes(event.Attributes, one.Attributes()); err != nil {
			return err
		}
	}
	for _, link := range from.Links {
		one := to.Links().AppendEmpty()
		one.SetTraceID(pcommon.TraceID(id16(link.TraceID)))
		one.SetSpanID(pcommon.SpanID(id8(link.SpanID)))
		one.TraceState().FromRaw(link.TraceState)
		one.SetFlags(link.Flags)
		one.SetDroppedAttributesCount(link.DroppedAttributesCount)
		if err := attributes(link.Attributes, one.Attributes()); err != nil {
			return err
		}
	}
	return nil
}

// nanoseconds are those of OTLP; what is beyond 63 bits comes back as it was.
func nanoseconds(t time.Time) pcommon.Timestamp {
	return pcommon.Timestamp(t.UnixNano()) //nolint:gosec // it wraps
}

func id16(text string) (id [16]byte) {
	_, _ = hex.Decode(id[:], []byte(text)) // the store writes hex
	return id
}

func id8(text string) (id [8]byte) {
	_, _ = hex.Decode(id[:], []byte(text))
	return id
}

// number is that of a name, or the one that stands for itself.
func number[T ~string](name T, names ...T) (int32, error) {
	if at := slices.Index(names, name); at >= 0 {
		return int32(at), nil //nolint:gosec // an index
	}
	value, err := strconv.ParseInt(string(name), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read the number %q: %w", string(name), err)
	}
	return int32(value), nil
}
