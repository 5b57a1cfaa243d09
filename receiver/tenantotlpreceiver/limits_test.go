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
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
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
