package tenantotlpreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func retryable(code codes.Code, after time.Duration) error {
	st, _ := status.New(code, "try later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	return st.Err()
}

// refusals is the documented table of docs/ingest.md: each row is answered alike
// on both transports, for each signal and in each encoding.
var refusals = []struct {
	name       string
	key        string
	pipeline   error
	http       int
	grpc       codes.Code
	message    string
	retryAfter string // "" means that the client must not repeat
}{
	{"no key", "", nil, 401, codes.Unauthenticated, "missing or invalid API key", ""},
	{"unknown key", "unknown", nil, 401, codes.Unauthenticated, "missing or invalid API key", ""},
	{"authenticator without a status", "plain-error", nil, 401, codes.Unauthenticated, "missing or invalid API key", ""},
	{"authenticator panics", "auth-panic", nil, 500, codes.Internal, "the request could not be processed", ""},
	{"key store down", "store-down", nil, 503, codes.Unavailable, "API keys cannot be verified at the moment", "2"},
	{"request limit", "spent", nil, 429, codes.ResourceExhausted, "the API key has used up its limit of requests per minute", "2"},
	{"item limit", "over-budget", nil, 429, codes.ResourceExhausted, "the API key has used up its limit of items per second", "3"},
	{"foreign tenant", "good", consumererror.NewPermanent(status.Error(codes.PermissionDenied, "not yours")), 403, codes.PermissionDenied, "not yours", ""},
	{"tenant not named", "good", consumererror.NewPermanent(status.Error(codes.InvalidArgument, "name one")), 400, codes.InvalidArgument, "name one", ""},
	{"queue full", "good", retryable(codes.Unavailable, 5*time.Second), 503, codes.Unavailable, "try later", "5"},
	{"tenant over its share", "good", retryable(codes.ResourceExhausted, 4*time.Second), 429, codes.ResourceExhausted, "try later", "4"},
	{"retryable without delay", "good", status.Error(codes.Unavailable, "later"), 503, codes.Unavailable, "later", "1"},
	{"wrapped status", "good", fmt.Errorf("secret: %w", status.Error(codes.Unavailable, "later")), 503, codes.Unavailable, "later", "1"},
	{"unknown error", "good", errors.New("secret of the pipeline"), 503, codes.Unavailable, "the data cannot be taken at the moment", "1"},
	{"unknown permanent error", "good", consumererror.NewPermanent(errors.New("secret")), 500, codes.Internal, "the request could not be processed", ""},
	{"permanent although unavailable", "good", consumererror.NewPermanent(status.Error(codes.Unavailable, "x")), 500, codes.Internal, "the request could not be processed", ""},
	{"permanent and too large", "good", consumererror.NewPermanent(status.Error(codes.ResourceExhausted, "too big")), 413, codes.ResourceExhausted, "too big", ""},
}

func TestReceiver_Refusals(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	var failure atomic.Pointer[error]
	r.consume = func(context.Context, int) error { return *failure.Load() }
	for _, row := range refusals {
		failure.Store(&row.pipeline)
		for _, s := range samples(t) {
			name := row.name + "/" + s.signal.String()
			for contentType, body := range map[string][]byte{"application/x-protobuf": s.protobuf, "application/json": s.json} {
				got := r.post(t, "/v1/"+s.signal.String(), row.key, contentType, body)
				require.Equal(t, row.http, got.code, "%s: %s", name, got.body)
				require.Equal(t, contentType, got.header.Get("Content-Type"), name)
				require.Equal(t, row.retryAfter, got.header.Get("Retry-After"), name)
				require.Equal(t, row.http == 401, got.header.Get("WWW-Authenticate") != "", name)
				require.Empty(t, got.header.Get("X-Job-Id"), name)
				st := readStatus(t, contentType, got.body)
				requireStatus(t, name, status.FromProto(st), row.grpc, row.message, row.retryAfter != "")
			}
			_, _, err := s.export(withKey(t.Context(), row.key), r.conn)
			requireStatus(t, name, status.Convert(err), row.grpc, row.message, row.retryAfter != "")
		}
	}
}

func TestReceiver_MissingPermission(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for _, s := range samples(t) {
		want := "the API key lacks the permission " + s.signal.String() + ":write"
		got := r.post(t, "/v1/"+s.signal.String(), "no-permission", "application/json", []byte("not even read"))
		require.Equal(t, http.StatusForbidden, got.code)
		require.Equal(t, want, readStatus(t, "application/json", got.body).GetMessage())
		_, _, err := s.export(withKey(t.Context(), "no-permission"), r.conn)
		requireStatus(t, "grpc", status.Convert(err), codes.PermissionDenied, want, false)
		require.Zero(t, r.count(s.signal))
	}
}

func TestReceiver_UnauthenticatedBodyIsConstant(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for _, contentType := range []string{"application/json", "application/x-protobuf"} {
		first := r.post(t, "/v1/logs", "", contentType, nil)
		for _, key := range []string{"unknown", "plain-error"} {
			other := r.post(t, "/v1/logs", key, contentType, []byte("x"))
			require.Equal(t, first.body, other.body)
			other.header.Set("Date", first.header.Get("Date"))
			require.Equal(t, first.header, other.header)
		}
	}
	require.JSONEq(t, `{"code":16,"message":"missing or invalid API key"}`, string(r.post(t, "/v1/logs", "", "application/json", nil).body))
}

func TestHTTP_BadRequests(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	s := tracesSample(t)
	pb := "application/x-protobuf"
	wrongID := []byte("\x0a\x0b\x12\x09\x12\x07\x0a\x05abcde") // a span whose trace id has 5 bytes
	rows := []struct {
		name, method, path, contentType string
		body                            []byte
		headers                         []string
		code                            int
		answerType                      string
	}{
		{"unknown path", "POST", "/v1/profiles", pb, s.protobuf, nil, 404, pb},
		{"root", "GET", "/", "", nil, nil, 404, "application/json"},
		{"trailing slash", "POST", "/v1/traces/", pb, s.protobuf, nil, 404, pb},
		{"unclean path", "POST", "//v1/traces", pb, s.protobuf, nil, 404, pb},
		{"traversal", "POST", "/v1/%252e%252e/traces", pb, s.protobuf, nil, 404, pb},
		{"GET", "GET", "/v1/traces", pb, nil, nil, 405, pb},
		{"PUT", "PUT", "/v2/traces", "application/json", nil, nil, 405, "application/json"},
		{"no content type", "POST", "/v1/traces", "", s.protobuf, nil, 415, "application/json"},
		{"text", "POST", "/v1/traces", "text/plain", s.protobuf, nil, 415, "application/json"},
		{"garbled content type", "POST", "/v1/traces", ";;;", s.protobuf, nil, 415, "application/json"},
		{"unknown coding", "POST", "/v1/traces", pb, s.protobuf, []string{"Content-Encoding", "br"}, 415, pb},
		{"two codings", "POST", "/v1/traces", pb, s.protobuf, []string{"Content-Encoding", "gzip, gzip"}, 415, pb},
		{"not gzip", "POST", "/v1/traces", pb, s.protobuf, []string{"Content-Encoding", "gzip"}, 400, pb},
		{"garbage", "POST", "/v1/traces", pb, []byte("\xff\xff\xff"), nil, 400, pb},
		{"garbage JSON", "POST", "/v1/traces", "application/json", []byte("{\xff"), nil, 400, "application/json"},
		{"JSON as protobuf", "POST", "/v1/traces", pb, s.json, nil, 400, pb},
		{"odd trace id", "POST", "/v1/traces", pb, wrongID, nil, 400, pb},
		{"too large", "POST", "/v1/traces", pb, make([]byte, 4<<20+1), nil, 413, pb},
	}
	for _, row := range rows {
		got := r.send(t, row.method, row.path, "good", row.contentType, row.body, row.headers...)
		require.Equal(t, row.code, got.code, "%s: %s", row.name, got.body)
		require.Equal(t, row.answerType, got.header.Get("Content-Type"), row.name)
		require.Equal(t, row.code == 405, got.header.Get("Allow") == "POST", row.name)
		require.NotEmpty(t, readStatus(t, row.answerType, got.body).GetMessage(), row.name)
		require.Empty(t, got.header.Get("Retry-After"), row.name)
	}
	require.Zero(t, r.count(s.signal))
	refused := r.post(t, "/v1/traces", "good", pb, s.protobuf, "Content-Encoding", "br")
	require.Equal(t, "gzip, zstd, zlib, deflate, snappy, x-snappy-framed, lz4", refused.header.Get("Accept-Encoding"))
}

func requireStatus(t *testing.T, name string, st *status.Status, code codes.Code, message string, retry bool) {
	t.Helper()
	require.Equal(t, code, st.Code(), name)
	require.Equal(t, message, st.Message(), name)
	_, hasDelay := retryDelay(st)
	require.Equal(t, retry, hasDelay, name)
}

func readStatus(t *testing.T, contentType string, body []byte) *spb.Status {
	t.Helper()
	st := new(spb.Status)
	if contentType == "application/json" {
		require.NoError(t, protojson.Unmarshal(body, st))
	} else {
		require.NoError(t, proto.Unmarshal(body, st))
	}
	return st
}
