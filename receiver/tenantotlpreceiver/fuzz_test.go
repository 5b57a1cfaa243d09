package tenantotlpreceiver

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	ownmetadata "github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

// documented are the HTTP codes of docs/ingest.md that a request alone can cause.
var documented = []int{200, 400, 401, 404, 405, 413, 415}

func newHandler(t testing.TB) *httpHandler {
	t.Helper()
	cfg := testConfig()
	r, err := newReceiver(cfg, receivertest.NewNopSettings(ownmetadata.Type), func() {})
	require.NoError(t, err)
	next := consumertest.NewNop()
	r.signals = []*signal{tracesSignal(next), metricsSignal(next), logsSignal(next)}
	tr, err := r.transport("http", cfg.Protocols.HTTP.Get().ServerConfig.MaxRequestBodySize)
	require.NoError(t, err)
	tr.authenticator = testAuth{}
	return newHTTPHandler(tr, cfg.Protocols.HTTP.Get())
}

func FuzzHTTP(f *testing.F) {
	for _, s := range samples(f) {
		path := "/v1/" + s.signal.String()
		f.Add("POST", path, "application/x-protobuf", "", s.protobuf)
		f.Add("POST", path, "application/json", "", s.json)
		f.Add("POST", path, "application/x-protobuf", "zstd", compress(f, "zstd", bytes.NewReader(s.protobuf)))
		f.Add("POST", path, "application/json", "snappy", compress(f, "snappy", bytes.NewReader(s.json)))
	}
	f.Add("POST", "/v1/logs", "application/x-protobuf", "", deepWire(2000))
	f.Add("POST", "/v1/logs", "application/x-protobuf", "snappy", []byte("\xff\xff\xff\xff\x0f"))
	f.Add("POST", "/v1/logs", "application/x-protobuf", "lz4", []byte("\x04\x22\x4d\x18"))
	f.Add("GET", "/", "text/plain", "br", []byte{})
	handler := newHandler(f)
	f.Fuzz(func(t *testing.T, method, path, contentType, coding string, body []byte) {
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		req.Method, req.URL.Path = method, path
		req.Header.Set("Authorization", "Bearer good")
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Content-Encoding", coding)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		require.Contains(t, documented, w.Code)
		require.Contains(t, []string{"application/x-protobuf", "application/json"}, w.Header().Get("Content-Type"))
	})
}

// FuzzShape holds the walk against the decoder: what it lets pass, the
// decoder takes without more recursion than the limit allows.
func FuzzShape(f *testing.F) {
	for _, request := range places(3) {
		protobuf, _ := encode(f, request)
		f.Add(protobuf)
	}
	f.Add(deepWire(2000))
	next := consumertest.NewNop()
	signals := []*signal{tracesSignal(next), metricsSignal(next), logsSignal(next)}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range signals {
			if (shape{depth: 2, memory: 1 << 20}).check(encodingProtobuf, s.schema, body) == nil {
				_, _ = s.decode(encodingProtobuf, body)
			}
		}
	})
}
