package encode

import "go.opentelemetry.io/collector/pdata/ptrace"

// spanRows are the columns of the table spans.
type spanRows struct {
	*Block
	origin                                   originColumns
	timestamp, duration, negativeDuration    *fixedColumn
	traceID, spanID, parentID                *fixedColumn
	traceState                               *stringColumn
	flags, kind, statusCode                  *fixedColumn
	name                                     *lowCardinality
	statusMessage                            *stringColumn
	attributes                               attributeColumns
	droppedAttributes                        *fixedColumn
	events                                   eventColumns
	links                                    linkColumns
	droppedEvents, droppedLinks, expires, id *fixedColumn
}

func newSpanRows() *spanRows {
	b := newBlock("spans")
	r := &spanRows{Block: b}
	r.origin.addOwner(b)
	r.timestamp = b.fixed("timestamp", typeTimestamp)
	r.duration = b.fixed("duration_nano", "UInt64")
	r.negativeDuration = b.fixed("negative_duration_nano", "UInt64")
	r.traceID = b.fixed("trace_id", "FixedString(16)")
	r.spanID = b.fixed("span_id", "FixedString(8)")
	r.parentID = b.fixed("parent_span_id", "FixedString(8)")
	r.traceState = b.text("trace_state")
	r.flags = b.fixed("flags", "UInt32")
	r.name = b.low("span_name")
	r.kind = b.fixed("span_kind", "Int32")
	r.statusCode = b.fixed("status_code", "Int32")
	r.statusMessage = b.text("status_message")
	r.origin.addService(b)
	r.attributes = b.attributes("span_attributes", "span_attribute_types")
	r.droppedAttributes = b.fixed("dropped_attributes_count", "UInt32")
	r.events = newEventColumns(b)
	r.droppedEvents = b.fixed("dropped_events_count", "UInt32")
	r.links = newLinkColumns(b)
	r.droppedLinks = b.fixed("dropped_links_count", "UInt32")
	r.origin.addSource(b)
	r.expires = b.fixed("expires_at", typeDate)
	r.id = b.fixed("ingest_id", "UInt64")
	return r
}

func (r *spanRows) block() *Block { return r.Block }
func (r *spanRows) clear()        { r.reset(); r.origin.forget() }

// AppendTraces adds the spans of a request. On ErrNoTenant nothing was added.
func (e *Encoder) AppendTraces(traces ptrace.Traces) error {
	for _, resource := range traces.ResourceSpans().All() {
		if _, err := stamped(resource.Resource().Attributes()); err != nil {
			return err
		}
	}
	e.setToday()
	for _, resource := range traces.ResourceSpans().All() {
		if err := e.enterResource(resource.Resource(), resource.SchemaUrl()); err != nil {
			return err
		}
		for _, scope := range resource.ScopeSpans().All() {
			e.enterScope(scope.Scope(), scope.SchemaUrl())
			for _, span := range scope.Spans().All() {
				e.appendSpan(span)
			}
		}
	}
	return nil
}

func (e *Encoder) appendSpan(span ptrace.Span) {
	start, end := uint64(span.StartTimestamp()), uint64(span.EndTimestamp())
	at := place(start, e.spanClass)
	r := e.spans.rows(at, e.today)
	r.row(at)
	r.origin.owner(&e.origin)
	r.origin.source(&e.origin)
	r.timestamp.uint64(start)
	r.duration.uint64(max(start, end) - start)
	r.negativeDuration.uint64(start - min(start, end))
	trace, id, parent := span.TraceID(), span.SpanID(), span.ParentSpanID()
	r.traceID.bytes(trace[:])
	r.spanID.bytes(id[:])
	r.parentID.bytes(parent[:])
	r.traceState.add(span.TraceState().AsRaw())
	r.flags.uint32(span.Flags())
	r.name.add(span.Name())
	r.kind.uint32(uint32(span.Kind()))
	r.statusCode.uint32(uint32(span.Status().Code()))
	r.statusMessage.add(span.Status().Message())
	e.scratch = r.attributes.add(span.Attributes(), e.scratch)
	r.droppedAttributes.uint32(span.DroppedAttributesCount())
	e.scratch = r.events.add(span.Events(), e.scratch)
	r.droppedEvents.uint32(span.DroppedEventsCount())
	e.scratch = r.links.add(span.Links(), e.scratch)
	r.droppedLinks.uint32(span.DroppedLinksCount())
	r.expires.uint16(at.expires)
	r.id.uint64(e.nextID())
}
