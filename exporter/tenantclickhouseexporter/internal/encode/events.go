package encode

import "go.opentelemetry.io/collector/pdata/ptrace"

// eventColumns are a span's events as parallel arrays.
type eventColumns struct {
	timestamps *arrayColumn[*fixedColumn]
	names      *arrayColumn[*lowCardinality]
	nested     nestedAttributes
	dropped    *arrayColumn[*fixedColumn]
}

func newEventColumns(b *Block) eventColumns {
	return eventColumns{
		timestamps: b.array("event_timestamps", typeTimestamp),
		names:      add(b, "event_names", "Array("+typeLow+")", newArray(newLowCardinality())),
		nested:     newNestedAttributes(b, "event_attributes", "event_attribute_types"),
		dropped:    b.array("event_dropped_attributes_counts", "UInt32"),
	}
}

func (c *eventColumns) add(events ptrace.SpanEventSlice, scratch []byte) []byte {
	for _, event := range events.All() {
		c.timestamps.inner.uint64(uint64(event.Timestamp()))
		c.names.inner.add(event.Name())
		scratch = c.nested.attributes.add(event.Attributes(), scratch)
		c.dropped.inner.uint32(event.DroppedAttributesCount())
	}
	n := events.Len()
	c.timestamps.add(n)
	c.names.add(n)
	c.nested.add(n)
	c.dropped.add(n)
	return scratch
}

// linkColumns are a span's links as parallel arrays.
type linkColumns struct {
	traceIDs, spanIDs *arrayColumn[*fixedColumn]
	traceStates       *arrayColumn[*stringColumn]
	flags             *arrayColumn[*fixedColumn]
	nested            nestedAttributes
	dropped           *arrayColumn[*fixedColumn]
}

func newLinkColumns(b *Block) linkColumns {
	return linkColumns{
		traceIDs:    b.array("link_trace_ids", "FixedString(16)"),
		spanIDs:     b.array("link_span_ids", "FixedString(8)"),
		traceStates: add(b, "link_trace_states", "Array(String)", newArray(&stringColumn{})),
		flags:       b.array("link_flags", "UInt32"),
		nested:      newNestedAttributes(b, "link_attributes", "link_attribute_types"),
		dropped:     b.array("link_dropped_attributes_counts", "UInt32"),
	}
}

func (c *linkColumns) add(links ptrace.SpanLinkSlice, scratch []byte) []byte {
	for _, link := range links.All() {
		trace, span := link.TraceID(), link.SpanID()
		c.traceIDs.inner.bytes(trace[:])
		c.spanIDs.inner.bytes(span[:])
		c.traceStates.inner.add(link.TraceState().AsRaw())
		c.flags.inner.uint32(link.Flags())
		scratch = c.nested.attributes.add(link.Attributes(), scratch)
		c.dropped.inner.uint32(link.DroppedAttributesCount())
	}
	n := links.Len()
	c.traceIDs.add(n)
	c.spanIDs.add(n)
	c.traceStates.add(n)
	c.flags.add(n)
	c.nested.add(n)
	c.dropped.add(n)
	return scratch
}

// nestedAttributes are arrays of attribute lists.
type nestedAttributes struct {
	attributes attributeColumns
	values     *arrayColumn[*mapColumn[*stringColumn]]
	types      *arrayColumn[*mapColumn[*lowCardinality]]
}

func newNestedAttributes(b *Block, values, types string) nestedAttributes {
	c := nestedAttributes{attributes: newAttributes()}
	c.values = add(b, values, "Array("+typeMap+")", newArray(c.attributes.values))
	c.types = add(b, types, "Array("+typeCompactMap+")", newArray(c.attributes.types))
	return c
}

func (c *nestedAttributes) add(n int) {
	c.values.add(n)
	c.types.add(n)
}
