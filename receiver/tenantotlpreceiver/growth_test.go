package tenantotlpreceiver

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// swelling are the fields that two bytes repeat, by the fields that lead there.
var swelling = map[string]struct {
	signal string
	path   []protowire.Number // the last one repeats
}{
	"resource spans":        {"traces", []protowire.Number{1}},
	"scope spans":           {"traces", []protowire.Number{1, 2}},
	"spans":                 {"traces", []protowire.Number{1, 2, 2}},
	"events":                {"traces", []protowire.Number{1, 2, 2, 11}},
	"links":                 {"traces", []protowire.Number{1, 2, 2, 13}},
	"attributes":            {"traces", []protowire.Number{1, 2, 2, 9}},
	"entity references":     {"traces", []protowire.Number{1, 1, 3}},
	"array values":          {"traces", []protowire.Number{1, 2, 2, 9, 2, 5, 1}},
	"map values":            {"traces", []protowire.Number{1, 2, 2, 9, 2, 6, 1}},
	"resource metrics":      {"metrics", []protowire.Number{1}},
	"metrics":               {"metrics", []protowire.Number{1, 2, 2}},
	"number points":         {"metrics", []protowire.Number{1, 2, 2, 5, 1}},
	"histogram points":      {"metrics", []protowire.Number{1, 2, 2, 9, 1}},
	"exponential points":    {"metrics", []protowire.Number{1, 2, 2, 10, 1}},
	"summary points":        {"metrics", []protowire.Number{1, 2, 2, 11, 1}},
	"quantiles":             {"metrics", []protowire.Number{1, 2, 2, 11, 1, 6}},
	"exemplars":             {"metrics", []protowire.Number{1, 2, 2, 5, 1, 5}},
	"exponential exemplars": {"metrics", []protowire.Number{1, 2, 2, 10, 1, 11}},
	"resource logs":         {"logs", []protowire.Number{1}},
	"log records":           {"logs", []protowire.Number{1, 2, 2}},
}

// swollen repeats an empty message n times.
func swollen(path []protowire.Number, n int) []byte {
	last := len(path) - 1
	body := bytes.Repeat(protowire.AppendBytes(protowire.AppendTag(nil, path[last], protowire.BytesType), nil), n)
	for i := last - 1; i >= 0; i-- {
		body = protowire.AppendBytes(protowire.AppendTag(nil, path[i], protowire.BytesType), body)
	}
	return body
}

// TestShape_Weights holds the weights against what decoding really takes. It is
// not parallel, since it measures the memory of the process.
func TestShape_Weights(t *testing.T) {
	const n = 1 << 16
	next := consumertest.NewNop()
	signals := map[string]*signal{"traces": tracesSignal(next), "metrics": metricsSignal(next), "logs": logsSignal(next)}
	for name, field := range swelling {
		body, s := swollen(field.path, n), signals[field.signal]
		before := live()
		decoded, err := s.decode(encodingProtobuf, body)
		require.NoError(t, err, name)
		took := (live() - before) / n
		runtime.KeepAlive(decoded)
		repeated := s.schema
		for _, number := range field.path {
			repeated = child(repeated, number)
		}
		counted := weights[repeated]
		// Slices grow by up to a quarter at a time; half of the rest is slack for
		// what else the process does meanwhile.
		require.LessOrEqual(t, took, counted*3/2+8, "%s take %d bytes and count %d", name, took, counted)
	}
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A few kilobytes that would become gigabytes are refused over both transports,
// and before anything is decoded.
func TestReceiver_Swelling(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for name, field := range swelling {
		body := swollen(field.path, 2<<20-16) // all that the 4 MiB of testConfig hold
		packed := compress(t, "gzip", bytes.NewReader(body))
		require.Less(t, len(packed), 64<<10)
		got := r.post(t, "/v1/"+field.signal, "good", "application/x-protobuf", packed, "Content-Encoding", "gzip")
		require.Equal(t, 413, got.code, "%s: %s", name, got.body)
		require.Equal(t, errGrowth.Error(), readStatus(t, "application/x-protobuf", got.body).GetMessage())
		require.Empty(t, got.header.Get("Retry-After"))
	}
	spans := swollen(swelling["spans"].path, 1<<20)
	err := r.conn.Invoke(withKey(t.Context(), "good"), "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		&frame{body: mem.SliceBuffer(spans)}, &frame{}, grpc.ForceCodecV2(rawCodec{}), grpc.UseCompressor(gzip.Name))
	requireStatus(t, "gRPC", status.Convert(err), codes.ResourceExhausted, errGrowth.Error(), false)

	// The densest telemetry passes: 4 MiB of attributes with one letter and one digit.
	dense := plog.NewLogs()
	records := dense.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range 4000 {
		record := records.AppendEmpty().Attributes()
		for i := range 94 {
			record.PutInt(string(rune(' '+i)), 1)
		}
	}
	protobuf, _ := encode(t, plogotlp.NewExportRequestFromLogs(dense))
	require.Greater(t, len(protobuf), 3<<20)
	require.Equal(t, 200, r.post(t, "/v1/logs", "good", "application/x-protobuf", protobuf).code)

	json := `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 1<<20) + `{}]}]}]}`
	require.Equal(t, 413, r.post(t, "/v1/traces", "good", "application/json", []byte(json)).code)
	attributes := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[` +
		strings.Repeat(`{"key":"a","value":{"intValue":"1"}},`, 100_000) + `{"key":"a"}]}]}]}]}`
	require.Equal(t, 200, r.post(t, "/v1/logs", "good", "application/json", []byte(attributes)).code)
}
