package tenantotlpreceiver

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protowire"
)

// nest makes a value of the given depth.
func nest(v pcommon.Value, depth int) {
	for i := range depth {
		if i%2 == 0 {
			v = v.SetEmptySlice().AppendEmpty()
		} else {
			v = v.SetEmptyMap().PutEmpty("k")
		}
	}
	v.SetStr("leaf")
}

// places puts a nested value into every field of OTLP that can hold one.
func places(depth int) map[string]response {
	put := func(m pcommon.Map) { nest(m.PutEmpty("deep"), depth) }
	out := map[string]response{}
	span := func(name string, set func(rs ptrace.ResourceSpans, ss ptrace.ScopeSpans, s ptrace.Span)) {
		data := ptrace.NewTraces()
		rs := data.ResourceSpans().AppendEmpty()
		ss := rs.ScopeSpans().AppendEmpty()
		set(rs, ss, ss.Spans().AppendEmpty())
		out["traces/"+name] = ptraceotlp.NewExportRequestFromTraces(data)
	}
	span("resource", func(rs ptrace.ResourceSpans, _ ptrace.ScopeSpans, _ ptrace.Span) { put(rs.Resource().Attributes()) })
	span("scope", func(_ ptrace.ResourceSpans, ss ptrace.ScopeSpans, _ ptrace.Span) { put(ss.Scope().Attributes()) })
	span("span", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) { put(s.Attributes()) })
	span("event", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) {
		put(s.Events().AppendEmpty().Attributes())
	})
	span("link", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) {
		put(s.Links().AppendEmpty().Attributes())
	})
	record := func(name string, set func(r plog.LogRecord)) {
		data := plog.NewLogs()
		set(data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
		out["logs/"+name] = plogotlp.NewExportRequestFromLogs(data)
	}
	record("body", func(r plog.LogRecord) { nest(r.Body(), depth) })
	record("attributes", func(r plog.LogRecord) { put(r.Attributes()) })
	point := func(name string, set func(m pmetric.Metric)) {
		data := pmetric.NewMetrics()
		set(data.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
		out["metrics/"+name] = pmetricotlp.NewExportRequestFromMetrics(data)
	}
	point("metadata", func(m pmetric.Metric) { put(m.Metadata()) })
	point("gauge", func(m pmetric.Metric) { put(m.SetEmptyGauge().DataPoints().AppendEmpty().Attributes()) })
	point("sum", func(m pmetric.Metric) { put(m.SetEmptySum().DataPoints().AppendEmpty().Attributes()) })
	point("histogram", func(m pmetric.Metric) { put(m.SetEmptyHistogram().DataPoints().AppendEmpty().Attributes()) })
	point("exponential", func(m pmetric.Metric) { put(m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes()) })
	point("summary", func(m pmetric.Metric) { put(m.SetEmptySummary().DataPoints().AppendEmpty().Attributes()) })
	point("exemplar", func(m pmetric.Metric) {
		put(m.SetEmptySum().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes())
	})
	point("histogram exemplar", func(m pmetric.Metric) {
		put(m.SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes())
	})
	point("exponential exemplar", func(m pmetric.Metric) {
		put(m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes())
	})
	return out
}

func TestShape_EveryPlace(t *testing.T) {
	t.Parallel()
	bound := shape{depth: 128, memory: 1 << 20}
	schemas := map[string]message{"traces": tracesRequest, "metrics": metricsRequest, "logs": logsRequest}
	for _, depth := range []int{0, 1, 127, 128, 129, 500} {
		for name, request := range places(depth) {
			signal, _, _ := strings.Cut(name, "/")
			schema := schemas[signal]
			protobuf, json := encode(t, request)
			err := bound.check(encodingProtobuf, schema, protobuf)
			require.Equal(t, depth <= 128, err == nil, "%s at depth %d: %v", name, depth, err)
			if err = bound.check(encodingJSON, schema, json); depth <= 128 || depth > 5*128 {
				require.Equal(t, depth <= 128, err == nil, "%s in JSON at depth %d: %v", name, depth, err)
			}
		}
	}
}

// TestShape_DeprecatedScope hides the values in field 1000, which pdata
// reads as field 2 but never writes.
func TestShape_DeprecatedScope(t *testing.T) {
	t.Parallel()
	wire := deepWire(200)
	_, _, n := protowire.ConsumeField(wire)
	require.Equal(t, len(wire), n)
	inner, _ := protowire.ConsumeBytes(wire[1:])
	scopes, _ := protowire.ConsumeBytes(inner[1:])
	hidden := protowire.AppendBytes(protowire.AppendTag(nil, deprecatedScope, protowire.BytesType), scopes)
	hidden = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), hidden)
	require.Error(t, (shape{depth: 199, memory: 1 << 20}).check(encodingProtobuf, logsRequest, hidden))
	require.NoError(t, (shape{depth: 200, memory: 1 << 20}).check(encodingProtobuf, logsRequest, hidden))
}

func TestReceiver_DeepValues(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for depth, code := range map[int]int{100: 200, 10_000: 400} {
		for name, request := range places(depth) {
			protobuf, json := encode(t, request)
			signal, _, _ := strings.Cut(name, "/")
			path := "/v1/" + signal
			got := r.post(t, path, "good", "application/x-protobuf", protobuf)
			require.Equal(t, code, got.code, "%s: %s", name, got.body)
			require.Equal(t, code, r.post(t, path, "good", "application/json", json).code, name)
		}
	}
	// The largest nesting that fits the body limit would overflow the stack.
	huge := []byte(strings.Repeat("[", 4<<20))
	require.Equal(t, 400, r.post(t, "/v1/logs", "good", "application/json", huge).code)
	require.Equal(t, 400, r.post(t, "/v1/logs", "good", "application/x-protobuf", deepWire(1<<18)).code)
}

// deepWire nests arrays by hand: pdata would recurse to encode them.
func deepWire(levels int) []byte {
	var reversed []byte // built from the inside, so written backwards
	size := 0
	wrap := func(tag byte) {
		length := binary.AppendUvarint(nil, uint64(size))
		for i := len(length) - 1; i >= 0; i-- {
			reversed = append(reversed, length[i])
		}
		reversed = append(reversed, tag)
		size += len(length) + 1
	}
	for range levels {
		wrap(0x0a) // ArrayValue.values
		wrap(0x2a) // AnyValue.array_value
	}
	for _, tag := range []byte{0x2a, 0x12, 0x12, 0x0a} { // LogRecord.body, log_records, scope_logs, resource_logs
		wrap(tag)
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return reversed
}

// A body of JSON is one object and nothing else: the decoder would acknowledge the
// first of two and lose the second.
func TestHTTP_JSONIsOneObject(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	s := logsSample(t)
	object := string(s.json)
	for body, code := range map[string]int{
		object:                                 200,
		" \t\r\n" + object + "\n ":             200,
		`{}`:                                   200,
		`{"later":[{"field":"}]\"{["},[[]]]}`:  200,
		object + object:                        400,
		object + "\n" + object:                 400,
		object + "]":                           400,
		object + ",":                           400,
		object + "x":                           400,
		object + "\x00":                        400,
		object[:len(object)-1]:                 400,
		object[:len(object)/2]:                 400,
		`{]{}`:                                 400,
		`[` + object + `]`:                     400,
		`null`:                                 400,
		`"resourceLogs"`:                       400,
		`1`:                                    400,
		``:                                     400,
		"\n":                                   400,
		"\ufeff" + object:                      400,
		`{"resourceLogs":"` + `x`:              400,
		`{"resourceLogs":[]`:                   400,
		`{}` + strings.Repeat("}", 99) + `[[[`: 400,
	} {
		before := r.count(s.signal)
		got := r.post(t, "/v1/logs", "good", "application/json", []byte(body))
		require.Equal(t, code, got.code, "%.60q: %s", body, got.body)
		if code != 200 {
			require.NotEmpty(t, readStatus(t, "application/json", got.body).GetMessage())
			require.Equal(t, before, r.count(s.signal), "%.60q", body)
		}
	}
}
