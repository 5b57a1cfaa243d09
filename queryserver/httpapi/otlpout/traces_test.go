package otlpout_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour) //nolint:gochecknoglobals // a constant

// What was sent comes out again, and is the same after another turn through the store. The
// canonical form: each span stands alone with its resource and scope, in any order.
func TestTraces_RoundTrip(t *testing.T) {
	t.Parallel()
	w := telemetrytest.New(t)
	settings := clickhouse.DefaultSettings()
	settings.Endpoint = configopaque.String(w.Database.URL)
	store, err := clickhouse.New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })

	sent := hardest()
	want := canonical(t, sent)
	copied := ptrace.NewTraces()
	sent.CopyTo(copied)
	w.Traces(t, w.Tenant, copied)
	once := export(t, store, w.Tenant)
	require.Equal(t, want, canonical(t, once))
	again := ptrace.NewTraces()
	once.CopyTo(again)
	w.Traces(t, w.Other, again)
	require.Equal(t, want, canonical(t, export(t, store, w.Other)))
}

func export(t *testing.T, store *clickhouse.Store, of tenant.Scope) ptrace.Traces {
	t.Helper()
	scope := queryserver.NewScope(tenant.ID{1}, of, map[queryserver.Permission]queryserver.Filter{queryserver.TracesRead: {}})
	filter := queryserver.SpanFilter{In: queryserver.TimeRange{From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}}
	var protobuf, text bytes.Buffer
	for to, document := range map[*bytes.Buffer]*otlpout.Traces{&protobuf: otlpout.NewTraces(&protobuf, false), &text: otlpout.NewTraces(&text, true)} {
		require.NoError(t, store.ExportSpans(t.Context(), scope, filter, func(set queryserver.SpanSet) error {
			half := set
			half.Spans = set.Spans[:len(set.Spans)/2] // in pieces, which are one message
			set.Spans = set.Spans[len(half.Spans):]
			return errors.Join(document.Write(half), document.Write(set))
		}))
		require.NoError(t, document.End())
		require.NotEmpty(t, to.Bytes())
	}
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(protobuf.Bytes())
	require.NoError(t, err)
	same, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text.Bytes())
	require.NoError(t, err)
	require.Equal(t, canonical(t, td), canonical(t, same))
	return td
}

// canonical writes each span with its resource and scope as a text.
func canonical(t *testing.T, td ptrace.Traces) []string {
	t.Helper()
	var all []string
	for _, resource := range td.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				one := ptrace.NewTraces()
				r := one.ResourceSpans().AppendEmpty()
				resource.Resource().CopyTo(r.Resource())
				r.Resource().Attributes().RemoveIf(func(key string, _ pcommon.Value) bool { return strings.HasPrefix(key, "telemetryflow.") })
				r.SetSchemaUrl(resource.SchemaUrl())
				s := r.ScopeSpans().AppendEmpty()
				scope.Scope().CopyTo(s.Scope())
				s.SetSchemaUrl(scope.SchemaUrl())
				span.CopyTo(s.Spans().AppendEmpty())
				text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(one)
				require.NoError(t, err)
				all = append(all, string(text))
			}
		}
	}
	slices.Sort(all)
	return all
}

// hardest are spans with all that OTLP has.
func hardest() ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range 2 {
		r := td.ResourceSpans().AppendEmpty()
		r.SetSchemaUrl("https://example.com/resource")
		r.Resource().SetDroppedAttributesCount(3)
		values(r.Resource().Attributes())
		r.Resource().Attributes().PutStr("service.name", `shop "1"`)
		ref := entity.ResourceEntityRefs(r.Resource()).AppendEmpty()
		ref.SetType("host")
		ref.SetSchemaUrl("https://example.com/entity")
		ref.IdKeys().Append("host.id")
		ref.DescriptionKeys().Append("host.name")
		s := r.ScopeSpans().AppendEmpty()
		s.SetSchemaUrl("https://example.com/scope")
		s.Scope().SetName("library")
		s.Scope().SetVersion("1.2.3")
		s.Scope().SetDroppedAttributesCount(math.MaxUint32)
		values(s.Scope().Attributes())
		hard(s.Spans().AppendEmpty(), byte(i+1))
		bare := s.Spans().AppendEmpty()
		bare.SetStartTimestamp(pcommon.NewTimestampFromTime(noon))
		bare.SetEndTimestamp(pcommon.NewTimestampFromTime(noon.Add(-time.Minute))) // ends before it begins
		unknown := s.Spans().AppendEmpty()
		unknown.SetStartTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Nanosecond)))
		unknown.SetEndTimestamp(0)
		unknown.SetKind(77)
		unknown.Status().SetCode(-1)
	}
	return td
}

func hard(span ptrace.Span, number byte) {
	span.SetTraceID(pcommon.TraceID{number, 15: 0xff})
	span.SetSpanID(pcommon.SpanID{number, 7: 1})
	span.SetParentSpanID(pcommon.SpanID{number})
	span.TraceState().FromRaw("a=1,b=2")
	span.SetFlags(0x301)
	span.SetName("naïve \U0001F9EA \n\t\x00")
	span.SetKind(ptrace.SpanKindConsumer)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(noon.Add(123456789)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Hour)))
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Status().SetMessage("it failed")
	span.SetDroppedAttributesCount(1)
	span.SetDroppedEventsCount(2)
	span.SetDroppedLinksCount(3)
	values(span.Attributes())
	for range 2 {
		event := span.Events().AppendEmpty()
		event.SetName("exception")
		event.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Second)))
		event.SetDroppedAttributesCount(4)
		values(event.Attributes())
		link := span.Links().AppendEmpty()
		link.SetTraceID(pcommon.TraceID{9})
		link.SetSpanID(pcommon.SpanID{8})
		link.TraceState().FromRaw("c=3")
		link.SetFlags(0x100)
		link.SetDroppedAttributesCount(5)
		values(link.Attributes())
	}
	span.Events().AppendEmpty()
	span.Links().AppendEmpty()
}

// values are attributes of every type, with the values that are hard to keep.
func values(m pcommon.Map) {
	m.PutStr("z", "last comes first")
	m.PutStr("", "no key")
	m.PutStr("text", "200")
	m.PutInt("int", 200)
	m.PutInt("large", math.MaxInt64)
	m.PutInt("small", math.MinInt64)
	m.PutDouble("double", 200)
	m.PutDouble("tiny", math.SmallestNonzeroFloat64)
	m.PutDouble("negative zero", math.Copysign(0, -1))
	m.PutDouble("nan", math.NaN())
	m.PutDouble("inf", math.Inf(-1))
	m.PutBool("yes", true)
	m.PutBool("no", false)
	m.PutEmptyBytes("bytes").FromRaw([]byte{0, 1, 255})
	m.PutEmptyBytes("no bytes")
	m.PutEmpty("empty")
	m.PutStr("empty text", "")
	list := m.PutEmptySlice("list")
	list.AppendEmpty().SetInt(1)
	list.AppendEmpty().SetDouble(1)
	list.AppendEmpty().SetStr("1")
	list.AppendEmpty()
	inner := list.AppendEmpty().SetEmptyMap()
	inner.PutEmptyBytes("b").FromRaw([]byte("x"))
	inner.PutDouble("nan", math.NaN())
	m.PutEmptySlice("no list")
	m.PutEmptyMap("no map")
}

// Repeated keys are kept, and a document of nothing is one.
func TestTraces_Write(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	document := otlpout.NewTraces(&text, true)
	require.NoError(t, document.Write(queryserver.SpanSet{
		Resources: []queryserver.Resource{{}}, Scopes: []queryserver.Instrumentation{{}},
		Spans: []queryserver.Span{{Kind: queryserver.ServerSpan, Status: queryserver.OKStatus, Start: noon, Attributes: []queryserver.Attribute{
			{Key: "k", Value: queryserver.Value{Type: "string", JSON: []byte(`"a"`)}}, {Key: "k", Value: queryserver.Value{Type: "int", JSON: []byte(`"9007199254740993"`)}},
		}}},
	}))
	require.NoError(t, document.End())
	require.Contains(t, text.String(), `"attributes":[{"key":"k","value":{"stringValue":"a"}},{"key":"k","value":{"intValue":"9007199254740993"}}]`)
	text.Reset()
	require.NoError(t, otlpout.NewTraces(&text, true).End())
	require.JSONEq(t, `{"resourceSpans":[]}`, text.String())
}
