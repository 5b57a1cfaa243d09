package clickhouse

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// spanColumns are all that is known of a span, in the order in which spanRow is scanned.
func spanColumns() chsql.List {
	return chsql.List{
		chsql.SQL("toUnixTimestamp64Nano(timestamp)"), chsql.SQL("ingest_id"), chsql.SQL("duration_nano - negative_duration_nano"),
		chsql.SQL("lower(hex(trace_id))"), chsql.SQL("lower(hex(span_id))"), chsql.SQL("lower(hex(parent_span_id))"), chsql.SQL("trace_state"), chsql.SQL("flags"),
		chsql.SQL("toString(service_name)"), chsql.SQL("toString(span_name)"), chsql.SQL("span_kind"), chsql.SQL("status_code"), chsql.SQL("status_message"),
		pairsOf(chsql.SQL("span_attributes"), chsql.SQL("span_attribute_types")),
		chsql.SQL("dropped_attributes_count"), chsql.SQL("dropped_events_count"), chsql.SQL("dropped_links_count"),
		chsql.SQL("arrayMap(x -> toUnixTimestamp64Nano(x), event_timestamps)"), chsql.SQL("CAST(event_names, 'Array(String)')"),
		nestedPairsOf(chsql.SQL("event_attributes"), chsql.SQL("event_attribute_types")), chsql.SQL("event_dropped_attributes_counts"),
		chsql.SQL("arrayMap(x -> lower(hex(x)), link_trace_ids)"), chsql.SQL("arrayMap(x -> lower(hex(x)), link_span_ids)"), chsql.SQL("link_trace_states"), chsql.SQL("link_flags"),
		nestedPairsOf(chsql.SQL("link_attributes"), chsql.SQL("link_attribute_types")), chsql.SQL("link_dropped_attributes_counts"),
		pairsOf(chsql.SQL("resource_attributes"), chsql.SQL("resource_attribute_types")),
		chsql.SQL("resource_dropped_attributes_count"), chsql.SQL("toString(resource_entity_refs)"), chsql.SQL("toString(resource_schema_url)"),
		chsql.SQL("toString(scope_name)"), chsql.SQL("toString(scope_version)"),
		pairsOf(chsql.SQL("scope_attributes"), chsql.SQL("scope_attribute_types")),
		chsql.SQL("scope_dropped_attributes_count"), chsql.SQL("toString(scope_schema_url)"),
	}
}

// spanRow is what spanColumns give.
type spanRow struct {
	start                                          int64
	ingestID                                       uint64
	duration                                       int64
	traceID, spanID, parentID, state               string
	flags                                          uint32
	service, name                                  string
	kind, status                                   int32
	message                                        string
	attributes                                     pairs
	droppedAttributes, droppedEvents, droppedLinks uint32
	events                                         eventArrays
	links                                          linkArrays
	resource                                       pairs
	resourceDropped                                uint32
	entities, resourceSchema                       string
	scopeName, scopeVersion                        string
	scopeAttributes                                pairs
	scopeDropped                                   uint32
	scopeSchema                                    string
}

type eventArrays struct {
	times      []int64
	names      []string
	attributes []pairs
	dropped    []uint32
}

type linkArrays struct {
	traces, spans, states []string
	flags                 []uint32
	attributes            []pairs
	dropped               []uint32
}

func (r *spanRow) scan(rows driver.Rows) error {
	return rows.Scan(&r.start, &r.ingestID, &r.duration, &r.traceID, &r.spanID, &r.parentID, &r.state, &r.flags, &r.service, &r.name, &r.kind, &r.status, &r.message,
		&r.attributes, &r.droppedAttributes, &r.droppedEvents, &r.droppedLinks, &r.events.times, &r.events.names, &r.events.attributes, &r.events.dropped,
		&r.links.traces, &r.links.spans, &r.links.states, &r.links.flags, &r.links.attributes, &r.links.dropped,
		&r.resource, &r.resourceDropped, &r.entities, &r.resourceSchema, &r.scopeName, &r.scopeVersion, &r.scopeAttributes, &r.scopeDropped, &r.scopeSchema)
}

func (r *spanRow) position() queryserver.SpanPosition {
	return queryserver.SpanPosition{At: r.start, IngestID: r.ingestID}
}

func (r *spanRow) span() (queryserver.Span, error) {
	span := queryserver.Span{
		TraceID: id(r.traceID), SpanID: id(r.spanID), ParentSpanID: id(r.parentID), TraceState: r.state, Flags: r.flags,
		Service: r.service, Name: r.name, Kind: kindName(r.kind), Start: time.Unix(0, r.start).UTC(), Duration: r.duration,
		Status: statusName(r.status), StatusMessage: r.message,
		DroppedAttributesCount: r.droppedAttributes,
		DroppedEventsCount:     r.droppedEvents, DroppedLinksCount: r.droppedLinks,
	}
	var faults []error
	read := func(list pairs) []queryserver.Attribute {
		attributes, err := list.attributes()
		faults = append(faults, err)
		return attributes
	}
	span.Attributes = read(r.attributes)
	for i, at := range r.events.times {
		span.Events = append(span.Events, queryserver.SpanEvent{
			Time: time.Unix(0, at).UTC(), Name: r.events.names[i], Attributes: read(r.events.attributes[i]), DroppedAttributesCount: r.events.dropped[i],
		})
	}
	for i, trace := range r.links.traces {
		span.Links = append(span.Links, queryserver.SpanLink{
			TraceID: id(trace), SpanID: id(r.links.spans[i]), TraceState: r.links.states[i], Flags: r.links.flags[i],
			Attributes: read(r.links.attributes[i]), DroppedAttributesCount: r.links.dropped[i],
		})
	}
	return span, errors.Join(faults...)
}

// nestedPairsOf is pairsOf for arrays of maps.
func nestedPairsOf(values, types chsql.Expr) chsql.Expr {
	return chsql.SQL("arrayMap((v, t) -> ?, ?, ?)", pairsOf(chsql.SQL("v"), chsql.SQL("t")), values, types)
}

// id is one in hex; zeros are none.
func id(text string) string {
	if strings.Trim(text, "0") == "" {
		return ""
	}
	return text
}

func kindName(number int32) queryserver.SpanKind {
	if number >= 0 && int(number) < len(kinds()) {
		return kinds()[number]
	}
	return queryserver.SpanKind(strconv.Itoa(int(number)))
}

func statusName(number int32) queryserver.SpanStatus {
	if number >= 0 && int(number) < len(statuses()) {
		return statuses()[number]
	}
	return queryserver.SpanStatus(strconv.Itoa(int(number)))
}

// kinds and statuses are by their numbers in OTLP.
func kinds() []queryserver.SpanKind {
	return []queryserver.SpanKind{queryserver.UnspecifiedSpan, queryserver.InternalSpan, queryserver.ServerSpan, queryserver.ClientSpan, queryserver.ProducerSpan, queryserver.ConsumerSpan}
}

func statuses() []queryserver.SpanStatus {
	return []queryserver.SpanStatus{queryserver.UnsetStatus, queryserver.OKStatus, queryserver.ErrorStatus}
}
