//go:build linux

package contract

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

// signal is a path and a gRPC method.
type signal struct{ name, method string }

var signals = []signal{
	{"traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
	{"metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
	{"logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"},
}

// item is a request with one item of a service, and attributes of its resource.
func (s signal) item(t *testing.T, contentType, service string, at time.Time, attributes ...string) []byte {
	t.Helper()
	fill := func(resource pcommon.Resource) {
		resource.Attributes().PutStr("service.name", service)
		for i := 0; i < len(attributes); i += 2 {
			resource.Attributes().PutStr(attributes[i], attributes[i+1])
		}
	}
	var request interface {
		MarshalProto() ([]byte, error)
		MarshalJSON() ([]byte, error)
	}
	switch when := pcommon.NewTimestampFromTime(at); s.name {
	case "traces":
		r := ptraceotlp.NewExportRequest()
		rs := r.Traces().ResourceSpans().AppendEmpty()
		fill(rs.Resource())
		rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetStartTimestamp(when)
		request = r
	case "metrics":
		r := pmetricotlp.NewExportRequest()
		rm := r.Metrics().ResourceMetrics().AppendEmpty()
		fill(rm.Resource())
		rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(when)
		request = r
	default:
		r := plogotlp.NewExportRequest()
		rl := r.Logs().ResourceLogs().AppendEmpty()
		fill(rl.Resource())
		rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetTimestamp(when)
		request = r
	}
	body, err := request.MarshalProto()
	if contentType == jsonType {
		body, err = request.MarshalJSON()
	}
	require.NoError(t, err)
	return body
}

// headers are a credential's and, in pairs, more.
func headers(key apikey.Credential, more ...string) map[string]string {
	h := map[string]string{}
	if key.Secret != "" {
		h["X-API-Key-ID"], h["X-API-Key-Secret"] = key.ID.String(), key.Secret
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

type reply struct {
	code   int
	header http.Header
	body   []byte
}

// post sends a body to the stack's collector; one without a content type gets none.
func (w *world) post(t *testing.T, method, path, contentType string, h map[string]string, body []byte) reply {
	t.Helper()
	return post(t, method, w.HTTP+path, contentType, h, body)
}

func post(t *testing.T, method, url, contentType string, h map[string]string, body []byte) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, value := range h {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, answer}
}

// rawCodec sends and receives messages as bytes.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

type grpcReply struct {
	status          *status.Status
	body            []byte
	header, trailer metadata.MD
}

func (w *world) call(t *testing.T, method string, h map[string]string, body []byte, options ...grpc.CallOption) grpcReply {
	t.Helper()
	return call(t, w.conn, method, h, body, options...)
}

func call(t *testing.T, conn *grpc.ClientConn, method string, h map[string]string, body []byte, options ...grpc.CallOption) grpcReply {
	t.Helper()
	var r grpcReply
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.New(h))
	options = append(options, grpc.ForceCodecV2(rawCodec{}), grpc.Header(&r.header), grpc.Trailer(&r.trailer))
	r.status = status.Convert(conn.Invoke(ctx, method, &body, &r.body, options...))
	return r
}

// readStatus reads a refusal's body, which has nothing besides.
func readStatus(t *testing.T, contentType string, body []byte) *spb.Status {
	t.Helper()
	st := new(spb.Status)
	if contentType == jsonType {
		require.NoError(t, protojson.Unmarshal(body, st), "%s", body)
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, body))
		require.Equal(t, compact.String(), string(body), "without spaces, which protojson varies")
		return st
	}
	require.NoError(t, proto.Unmarshal(body, st), "%q", body)
	require.Empty(t, st.ProtoReflect().GetUnknown())
	return st
}

func packed(t *testing.T, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
