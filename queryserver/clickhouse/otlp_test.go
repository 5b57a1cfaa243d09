package clickhouse

import (
	"bytes"
	"encoding/hex"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

func text(v string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: v}}
}

func integer(v int64) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: v}}
}

func double(v float64) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: v}}
}

func raw(v ...byte) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_BytesValue{BytesValue: v}}
}

func list(v ...*commonv1.AnyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: v}}}
}

func kvlist(v ...*commonv1.KeyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: v}}}
}

func pair(key string, v *commonv1.AnyValue) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: v}
}

// hardValues are values of every type, at the edges of each.
func hardValues() []*commonv1.AnyValue {
	boolean := func(v bool) *commonv1.AnyValue {
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_BoolValue{BoolValue: v}}
	}
	return []*commonv1.AnyValue{
		{}, text(""), text("200"), text("true"), text("a\"b\\c\n\t\x00\x01\x7f\u2028 \U0001F9EA <&>"), boolean(true), boolean(false),
		integer(0), integer(200), integer(-1), integer(1 << 53), integer(1<<53 + 1), integer(math.MinInt64), integer(math.MaxInt64),
		double(0), double(math.Copysign(0, -1)), double(200), double(0.1), double(1e21), double(-1e300), double(math.SmallestNonzeroFloat64),
		double(math.MaxFloat64), double(math.NaN()), double(math.Inf(1)), double(math.Inf(-1)), raw(), raw(0, 1, 0xff),
		list(), list(&commonv1.AnyValue{}, integer(1), double(1), text("1"), raw(1), list(kvlist())), kvlist(),
		kvlist(pair("k", integer(1<<60)), pair("k", text("again")), pair("", list(double(math.NaN())))),
	}
}

// hardLogs has each of the values as a body and in every list of attributes, repeated keys,
// and each field at its edges.
func hardLogs(start time.Time) *logsv1.LogsData {
	at := uint64(start.UnixNano())
	data := &logsv1.LogsData{}
	for i, v := range hardValues() {
		attributes := []*commonv1.KeyValue{pair("service.name", text("shop")), pair("v", v), pair("", text("no key"))}
		if i%2 == 0 {
			attributes = append(attributes, pair("v", integer(int64(i))), pair("s", text("repeated")), pair("v", text("third")))
		}
		record := &logsv1.LogRecord{
			TimeUnixNano: at + uint64(i), ObservedTimeUnixNano: []uint64{0, at, math.MaxUint64, 1 << 63}[i%4], Body: v, Attributes: attributes[1:],
			SeverityNumber: logsv1.SeverityNumber([]int32{0, 1, 24, 99, -1, math.MaxInt32}[i%6]), SeverityText: []string{"", "ERROR", "größer"}[i%3],
			DroppedAttributesCount: uint32(i), Flags: []uint32{0, 1, math.MaxUint32}[i%3], EventName: []string{"", "a.b"}[i%2],
		}
		if i%3 > 0 {
			record.TraceId, record.SpanId = bytes.Repeat([]byte{byte(i)}, 16), []byte{0, 0, 0, 0, 0, 0, 0, byte(i)}
		}
		if i%5 == 0 {
			record.TimeUnixNano, record.ObservedTimeUnixNano = 0, at+uint64(i)
		}
		resource := &resourcev1.Resource{Attributes: attributes, DroppedAttributesCount: uint32(i % 2)}
		if i%2 == 1 {
			resource.EntityRefs = []*commonv1.EntityRef{
				{SchemaUrl: "https://x", Type: "service", IdKeys: []string{"service.name", ""}, DescriptionKeys: []string{"v"}}, {Type: "host"},
			}
		}
		data.ResourceLogs = append(data.ResourceLogs, &logsv1.ResourceLogs{
			Resource: resource, SchemaUrl: []string{"", "https://opentelemetry.io/schemas/1.30.0"}[i%2],
			ScopeLogs: []*logsv1.ScopeLogs{{
				Scope:     &commonv1.InstrumentationScope{Name: []string{"", "lib"}[i%2], Version: "1", Attributes: attributes[1:], DroppedAttributesCount: 7},
				SchemaUrl: []string{"https://y", ""}[i%2], LogRecords: []*logsv1.LogRecord{record, proto.CloneOf(record)},
			}},
		})
	}
	// Two scopes of one resource, and a resource that comes again.
	first := data.ResourceLogs[1]
	first.ScopeLogs = append(first.ScopeLogs, &logsv1.ScopeLogs{
		Scope: &commonv1.InstrumentationScope{Name: "second"}, LogRecords: []*logsv1.LogRecord{{TimeUnixNano: at + 1000, Body: text("x")}},
	})
	data.ResourceLogs = append(data.ResourceLogs, proto.CloneOf(first))
	return data
}

// canonical is each record with its resource and scope as text, sorted.
func canonical(data *logsv1.LogsData) []string {
	var all []string
	for _, r := range data.GetResourceLogs() {
		for _, s := range r.GetScopeLogs() {
			for _, record := range s.GetLogRecords() {
				one := &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{
					Resource: r.GetResource(), SchemaUrl: r.GetSchemaUrl(),
					ScopeLogs: []*logsv1.ScopeLogs{{Scope: s.GetScope(), SchemaUrl: s.GetSchemaUrl(), LogRecords: []*logsv1.LogRecord{record}}},
				}}}
				if record.GetBody() == nil {
					record.Body = &commonv1.AnyValue{}
				}
				all = append(all, prototext.MarshalOptions{}.Format(one))
			}
		}
	}
	slices.Sort(all)
	return all
}

func (w *world) send(t *testing.T, to tenant.Scope, data *logsv1.LogsData) {
	t.Helper()
	wire, err := proto.Marshal(data)
	require.NoError(t, err)
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
	require.NoError(t, err)
	w.Logs(t, to, ld)
}

// exported is what an export writes, read back as OTLP.
func (w *world) exported(t *testing.T, of tenant.Scope, asJSON bool) *logsv1.LogsData {
	t.Helper()
	pieces, err := w.ExportLogs(t.Context(), scope(of), queryserver.LogQuery{In: day})
	require.NoError(t, err)
	var written bytes.Buffer
	out := otlpout.NewLogs(&written, asJSON)
	for piece, err := range pieces {
		require.NoError(t, err)
		half := len(piece) / 2
		require.NoError(t, out.Write(piece[:half]))
		require.NoError(t, out.Write(piece[half:]))
	}
	require.NoError(t, out.End())
	wire := written.Bytes()
	if asJSON {
		ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(wire)
		require.NoError(t, err, "%s", wire)
		wire, err = (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		require.NoError(t, err)
	}
	data := &logsv1.LogsData{}
	require.NoError(t, proto.Unmarshal(wire, data))
	return data
}

// What came in as OTLP goes out equal, and again after it has been taken in again.
func TestLogs_OTLPRoundTrip(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(t, w.Tenant, hardLogs(noon))
	want := canonical(hardLogs(noon))
	out := w.exported(t, w.Tenant, false)
	require.Equal(t, want, canonical(out))
	require.Equal(t, want, canonical(w.exported(t, w.Tenant, true)), "as JSON")
	w.send(t, w.Other, out)
	require.Equal(t, want, canonical(w.exported(t, w.Other, false)), "after it was taken in again")
}

// The API's own JSON is exact too.
func TestLogs_Record(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := bytes.Repeat([]byte{0xab}, 16)
	w.send(t, w.Tenant, &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{pair("service.name", text("shop"))}},
		ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{{
			TimeUnixNano: uint64(noon.UnixNano()) + 1, Body: kvlist(pair("a", list(integer(1), text("x")))), TraceId: id, SeverityNumber: 9,
			Attributes: []*commonv1.KeyValue{pair("big", integer(1<<53+1)), pair("n", integer(5)), pair("d", double(math.NaN())), pair("e", &commonv1.AnyValue{})},
		}}}},
	}}})
	records, err := w.LogRecords(t.Context(), scope(w.Tenant), queryserver.LogQuery{In: day, Limit: 5})
	require.NoError(t, err)
	require.Len(t, records, 1)
	r := records[0]
	require.True(t, r.Timestamp.Equal(noon.Add(1)))
	require.True(t, r.ObservedTimestamp.IsZero())
	require.Equal(t, hex.EncodeToString(id), r.TraceID)
	require.Empty(t, r.SpanID)
	require.Equal(t, "kvlist", r.Body.Type)
	require.JSONEq(t, `{"a":[1,"x"]}`, string(r.Body.JSON))
	require.JSONEq(t, `{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"}]}}}]}}`, string(r.Body.OTLP))
	require.Equal(t, []string{`"9007199254740993"`, `5`, `"NaN"`, `null`},
		[]string{string(r.Attributes[0].JSON), string(r.Attributes[1].JSON), string(r.Attributes[2].JSON), string(r.Attributes[3].JSON)})
	require.Equal(t, []string{"int", "int", "double", "empty"}, []string{r.Attributes[0].Type, r.Attributes[1].Type, r.Attributes[2].Type, r.Attributes[3].Type})
}
