package tenantotlpreceiver

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// compressors writes each content coding; "snappy framed" is sent as snappy.
var compressors = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"zlib":    func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		e, _ := zstd.NewWriter(w)
		return e
	},
	"lz4":             func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
	"x-snappy-framed": func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) },
	"snappy framed":   func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) },
}

func compress(t testing.TB, name string, source io.Reader) []byte {
	t.Helper()
	if name == "snappy" {
		raw, err := io.ReadAll(source)
		require.NoError(t, err)
		return snappy.Encode(nil, raw)
	}
	var out bytes.Buffer
	w := compressors[name](&out)
	_, err := io.Copy(w, source)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func codings() []string {
	return []string{"gzip", "zlib", "deflate", "zstd", "lz4", "x-snappy-framed", "snappy framed", "snappy"}
}

func header(name string) string { return strings.TrimSuffix(name, " framed") }

func TestHTTP_Compressions(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	s := logsSample(t)
	for _, name := range append(codings(), "identity") {
		body := s.protobuf
		if name != "identity" {
			body = compress(t, name, bytes.NewReader(s.protobuf))
		}
		for range 2 { // the second uses pooled decompressors
			got := r.post(t, "/v1/logs", "good", "application/x-protobuf", body, "Content-Encoding", header(name))
			require.Equal(t, 200, got.code, "%s: %s", name, got.body)
		}
		if name != "identity" {
			got := r.post(t, "/v1/logs", "good", "application/x-protobuf", body[:len(body)-2], "Content-Encoding", header(name))
			require.Equal(t, 400, got.code, "%s cut short", name)
		}
	}
}

// zeros is a bomb's content.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestHTTP_Bombs is not parallel: it measures what the process allocates.
func TestHTTP_Bombs(t *testing.T) {
	// At worst two buffers, packed and unpacked, are grown anew by doubling (the
	// race detector empties pools at random), and a decoder makes its tables. All
	// that is less than the bomb itself.
	const limit, bomb = 2 << 20, 64 << 20
	const buffers, tables = 16, 12 << 20
	for _, name := range codings() {
		body := compress(t, name, io.LimitReader(zeros{}, bomb))
		reader := newBodyReader(nil, max(limit, int64(len(body))))
		before := allocated()
		req := httptest.NewRequest(http.MethodPost, "/v1/logs", bytes.NewReader(body))
		req.Header.Set("Content-Encoding", header(name))
		_, refused := reader.read(req)
		require.NotNil(t, refused, name)
		require.Equal(t, 413, refused.http, name)
		require.Less(t, allocated()-before, buffers*uint64(reader.limit)+tables, name)
		t.Logf("%s: %d bytes for %d MiB, %.1f MiB allocated", name, len(body), bomb>>20, float64(allocated()-before)/(1<<20))
	}
}

func TestHTTP_SnappyLies(t *testing.T) {
	reader := newBodyReader(nil, 64<<20)
	for declared, code := range map[uint64]int{4<<30 - 1: 413, 64<<20 + 1: 413, 60 << 20: 400} {
		body := append(binary.AppendUvarint(nil, declared), "garbage"...)
		before := allocated()
		req := httptest.NewRequest(http.MethodPost, "/v1/logs", bytes.NewReader(body))
		req.Header.Set("Content-Encoding", "snappy")
		_, refused := reader.read(req)
		require.NotNil(t, refused)
		require.Equal(t, code, refused.http, declared)
		require.Less(t, allocated()-before, uint64(1<<20), declared)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// rawCodecForNil sends empty messages for services that do not exist.
type rawCodecForNil struct{ rawCodec }

func (rawCodecForNil) Marshal(any) (mem.BufferSlice, error) { return nil, nil }
func (rawCodecForNil) Unmarshal(mem.BufferSlice, any) error { return nil }

func TestGRPC_TooLarge(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	data := plog.NewLogs()
	data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(strings.Repeat("0", 5<<20))
	request := plogotlp.NewExportRequestFromLogs(data)
	for _, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor("gzip")}, {grpc.UseCompressor("zstd")}, {grpc.UseCompressor("snappy")}} {
		_, err := plogotlp.NewGRPCClient(r.conn).Export(withKey(t.Context(), "good"), request, options...)
		require.Equal(t, codes.ResourceExhausted, status.Code(err), err)
		_, again := retryDelay(status.Convert(err))
		require.False(t, again)
		// Strangers are refused before their message is looked at.
		_, err = plogotlp.NewGRPCClient(r.conn).Export(t.Context(), request, options...)
		require.Equal(t, codes.Unauthenticated, status.Code(err))
	}
}

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

func TestCheckNesting_EveryPlace(t *testing.T) {
	t.Parallel()
	schemas := map[string]message{"traces": tracesRequest, "metrics": metricsRequest, "logs": logsRequest}
	for _, depth := range []int{0, 1, 127, 128, 129, 500} {
		for name, request := range places(depth) {
			signal, _, _ := strings.Cut(name, "/")
			schema := schemas[signal]
			protobuf, json := encode(t, request)
			err := checkNesting(encodingProtobuf, schema, protobuf, 128)
			require.Equal(t, depth <= 128, err == nil, "%s at depth %d: %v", name, depth, err)
			if err = checkNesting(encodingJSON, schema, json, 128); depth <= 128 || depth > 5*128 {
				require.Equal(t, depth <= 128, err == nil, "%s in JSON at depth %d: %v", name, depth, err)
			}
		}
	}
}

// TestCheckNesting_DeprecatedScope hides the values in field 1000, which pdata
// reads as field 2 but never writes.
func TestCheckNesting_DeprecatedScope(t *testing.T) {
	t.Parallel()
	wire := deepWire(200)
	_, _, n := protowire.ConsumeField(wire)
	require.Equal(t, len(wire), n)
	inner, _ := protowire.ConsumeBytes(wire[1:])
	scopes, _ := protowire.ConsumeBytes(inner[1:])
	hidden := protowire.AppendBytes(protowire.AppendTag(nil, deprecatedScope, protowire.BytesType), scopes)
	hidden = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), hidden)
	require.Error(t, checkNesting(encodingProtobuf, logsRequest, hidden, 199))
	require.NoError(t, checkNesting(encodingProtobuf, logsRequest, hidden, 200))
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

func TestReceiver_OddButValid(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	data := plog.NewLogs()
	record := data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	for i := range 10_000 {
		record.Attributes().PutStr(fmt.Sprint("key", i), "v")
	}
	record.Body().SetStr(strings.Repeat("x", 1<<20))
	protobuf, json := encode(t, plogotlp.NewExportRequestFromLogs(data))
	require.Equal(t, 200, r.post(t, "/v1/logs", "good", "application/x-protobuf", protobuf).code)
	require.Equal(t, 200, r.post(t, "/v1/logs", "good", "application/json", json).code)
}
