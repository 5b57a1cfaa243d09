package encode_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The round trip: generated OTLP becomes rows, the rows become OTLP again, and each
// item must be what it was, under its tenant, with its scope and resource. The normal
// form in which both are compared:
//   - items stand alone, in no order; containers without items are gone;
//   - an absent message is an empty one, an id of zeros an absent one;
//   - the attributes that make a series (of a metric's resource, scope and data
//     point, and its metadata) have no order; all others do;
//   - exemplars belong to a series and a time.

const requests = 60

// normal brings a message into the normal form, and gives it as text: NaN equals
// itself there, and -0 is not 0.
func normal(owner string, m proto.Message, unordered bool) string {
	settle(m.ProtoReflect(), unordered)
	return owner + "\n" + prototext.MarshalOptions{Multiline: true}.Format(m)
}

func settle(m protoreflect.Message, unordered bool) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Kind() != protoreflect.MessageKind || field.ContainingOneof() != nil && !m.Has(field) {
			continue
		}
		if !field.IsList() {
			settle(m.Mutable(field).Message(), unordered)
			continue
		}
		if !m.Has(field) {
			continue
		}
		list := m.Mutable(field).List()
		for j := range list.Len() {
			settle(list.Get(j).Message(), unordered)
		}
		if unordered && (field.Name() == "attributes" || field.Name() == "metadata") {
			sortList(list)
		}
	}
}

func sortList(list protoreflect.List) {
	sorted := make([]protoreflect.Value, list.Len())
	for i := range sorted {
		sorted[i] = list.Get(i)
	}
	slices.SortFunc(sorted, func(a, b protoreflect.Value) int {
		return strings.Compare(prototext.Format(a.Message().Interface()), prototext.Format(b.Message().Interface()))
	})
	for i, v := range sorted {
		list.Set(i, v)
	}
}

// requireSame compares items by what each side has alone.
func requireSame(t *testing.T, sent, stored []string) {
	t.Helper()
	require.NotEmpty(t, sent)
	slices.Sort(sent)
	slices.Sort(stored)
	require.Equal(t, without(sent, stored), without(stored, sent), "%d items sent, %d stored", len(sent), len(stored))
	require.Len(t, stored, len(sent))
}

// without gives the items of a that b lacks: the first few, to be read.
func without(a, b []string) []string {
	alone := []string{}
	for _, item := range a {
		if _, found := slices.BinarySearch(b, item); !found && len(alone) < 3 {
			alone = append(alone, item)
		}
	}
	return alone
}

// requireCovered demands that every field of a message was generated, and thereby
// compared, or is listed as not stored.
func requireCovered(t *testing.T, g *generator, root proto.Message) {
	t.Helper()
	fields := make(map[protoreflect.FullName]bool)
	reachable(root.ProtoReflect().Descriptor(), fields)
	for field := range fields {
		require.NotEqual(t, exempt[field] != "", g.set[field], "%s: generated, or exempt", field)
	}
}

// owner alternates the tenants.
func owner(i int) string {
	if i%2 == 0 {
		return tenantA
	}
	return tenantB
}

func TestRoundTrip_Traces(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	g := newGenerator(1, time.Now())
	var sent []string
	for i := range requests {
		message := &tracev1.TracesData{}
		g.fill(message.ProtoReflect(), 0)
		wire, err := proto.Marshal(message)
		require.NoError(t, err)
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
		require.NoError(t, err)
		require.NoError(t, encoder.AppendTraces(stampTraces(td, owner(i))))
		for _, item := range split(message.ProtoReflect(), "resource_spans", "scope_spans", "spans") {
			sent = append(sent, normal(owner(i), item, false))
		}
	}
	insert(t, conn, encoder)
	requireCovered(t, g, &tracev1.TracesData{})

	var stored []string
	for _, row := range read[spanRow](t, conn, "spans", spanColumns()...) {
		require.Equal(t, workspaceA, row.Workspace)
		stored = append(stored, normal(row.Tenant, row.message(t), false))
	}
	requireSame(t, sent, stored)
}

// spanRow is a row of the table spans.
type spanRow struct {
	owned
	sourceRow
	Start             uint64   `ch:"timestamp_nanos"`
	Duration          uint64   `ch:"duration_nano"`
	NegativeDuration  uint64   `ch:"negative_duration_nano"`
	TraceID           string   `ch:"trace_id"`
	SpanID            string   `ch:"span_id"`
	ParentID          string   `ch:"parent_span_id"`
	TraceState        string   `ch:"trace_state"`
	Flags             uint32   `ch:"flags"`
	Name              string   `ch:"span_name"`
	Kind              int32    `ch:"span_kind"`
	StatusCode        int32    `ch:"status_code"`
	StatusMessage     string   `ch:"status_message"`
	Attributes        pairs    `ch:"span_attributes_pairs"`
	Dropped           uint32   `ch:"dropped_attributes_count"`
	DroppedEvents     uint32   `ch:"dropped_events_count"`
	DroppedLinks      uint32   `ch:"dropped_links_count"`
	EventTimes        []uint64 `ch:"event_nanos"`
	EventNames        []string `ch:"event_names"`
	EventAttributes   []pairs  `ch:"event_attributes_pairs"`
	EventDropped      []uint32 `ch:"event_dropped_attributes_counts"`
	LinkTraceIDs      []string `ch:"link_trace_ids"`
	LinkSpanIDs       []string `ch:"link_span_ids"`
	LinkTraceStates   []string `ch:"link_trace_states"`
	LinkFlags         []uint32 `ch:"link_flags"`
	LinkAttributes    []pairs  `ch:"link_attributes_pairs"`
	LinkDroppedCounts []uint32 `ch:"link_dropped_attributes_counts"`
}

func spanColumns() []string {
	return []string{
		ownerColumns, sourceColumns(), nanos("timestamp"), "duration_nano, negative_duration_nano, trace_id, span_id, parent_span_id",
		"trace_state, flags, span_name, span_kind, status_code, status_message", pairsAs("span_attributes", "span_attribute_types"),
		"dropped_attributes_count, dropped_events_count, dropped_links_count",
		"arrayMap(x -> reinterpretAsUInt64(toUnixTimestamp64Nano(x)), event_timestamps) AS event_nanos, event_names, event_dropped_attributes_counts",
		nestedPairsAs("event_attributes", "event_attribute_types"), nestedPairsAs("link_attributes", "link_attribute_types"),
		"link_trace_ids, link_span_ids, link_trace_states, link_flags, link_dropped_attributes_counts",
	}
}

func (r spanRow) message(t *testing.T) *tracev1.TracesData {
	span := &tracev1.Span{
		TraceId: id(r.TraceID), SpanId: id(r.SpanID), ParentSpanId: id(r.ParentID), TraceState: r.TraceState, Flags: r.Flags,
		Name: r.Name, Kind: tracev1.Span_SpanKind(r.Kind), StartTimeUnixNano: r.Start, EndTimeUnixNano: r.Start + r.Duration - r.NegativeDuration,
		Attributes: r.Attributes.attributes(t), DroppedAttributesCount: r.Dropped,
		DroppedEventsCount: r.DroppedEvents, DroppedLinksCount: r.DroppedLinks,
		Status: &tracev1.Status{Code: tracev1.Status_StatusCode(r.StatusCode), Message: r.StatusMessage},
	}
	for i, at := range r.EventTimes {
		span.Events = append(span.Events, &tracev1.Span_Event{
			TimeUnixNano: at, Name: r.EventNames[i], Attributes: r.EventAttributes[i].attributes(t), DroppedAttributesCount: r.EventDropped[i],
		})
	}
	for i, trace := range r.LinkTraceIDs {
		span.Links = append(span.Links, &tracev1.Span_Link{
			TraceId: id(trace), SpanId: id(r.LinkSpanIDs[i]), TraceState: r.LinkTraceStates[i], Flags: r.LinkFlags[i],
			Attributes: r.LinkAttributes[i].attributes(t), DroppedAttributesCount: r.LinkDroppedCounts[i],
		})
	}
	return &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource: r.resource(t), SchemaUrl: r.ResourceSchema,
		ScopeSpans: []*tracev1.ScopeSpans{{Scope: r.scope(t), SchemaUrl: r.ScopeSchema, Spans: []*tracev1.Span{span}}},
	}}}
}
