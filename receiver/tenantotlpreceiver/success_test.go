package tenantotlpreceiver

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcencoding "google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

func TestReceiver_Success(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for _, s := range samples(t) {
		sent := 0
		for contentType, body := range map[string][]byte{"application/x-protobuf": s.protobuf, "application/json": s.json} {
			for _, prefix := range []string{"/v1/", "/v2/", "/api/v2/otlp/"} {
				got := r.post(t, prefix+s.signal.String(), "limited", contentType+"; charset=utf-8", body)
				require.Equal(t, 200, got.code, string(got.body))
				require.Equal(t, contentType, got.header.Get("Content-Type"))
				require.Regexp(t, "^[0-9a-f]{32}$", got.header.Get("X-Job-Id"))
				requireLimit(t, got.header.Get)
				requireFullSuccess(t, contentType, prefix, got)
				sent += 3
			}
		}
		var header, trailer metadata.MD
		_, _, err := s.export(withKey(t.Context(), "limited"), r.conn, grpc.Header(&header), grpc.Trailer(&trailer))
		require.NoError(t, err)
		require.Regexp(t, "^[0-9a-f]{32}$", trailer.Get("x-job-id")[0])
		requireLimit(t, func(name string) string { return header.Get(name)[0] })
		require.Equal(t, sent+3, r.count(s.signal))
	}
	require.Zero(t, r.logs.FilterMessageSnippet("acknowledged items").Len())
}

func requireLimit(t *testing.T, get func(string) string) {
	t.Helper()
	require.Equal(t, "1000", get("X-RateLimit-Limit"))
	require.Equal(t, "7", get("X-RateLimit-Remaining"))
	require.Contains(t, []string{"30", "29"}, get("X-RateLimit-Reset"))
}

func requireFullSuccess(t *testing.T, contentType, prefix string, got reply) {
	t.Helper()
	switch {
	case contentType == "application/x-protobuf":
		require.Empty(t, got.body)
	case prefix == "/api/v2/otlp/":
		require.JSONEq(t, `{"jobId":"`+got.header.Get("X-Job-Id")+`"}`, string(got.body))
	default:
		require.JSONEq(t, `{}`, string(got.body))
	}
}

func TestReceiver_PartialSuccess(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for _, s := range samples(t) {
		r.consume = func(ctx context.Context, items int) error {
			receipt.FromContext(ctx).Reject(s.signal, 2, "too old")
			receipt.FromContext(ctx).Durable(s.signal, items-2)
			return nil
		}
		for contentType, body := range map[string][]byte{"application/x-protobuf": s.protobuf, "application/json": s.json} {
			got := r.post(t, "/api/v2/otlp/"+s.signal.String(), "good", contentType, body)
			require.Equal(t, 200, got.code)
			rejected, message := s.rejectedInReply(t, contentType, got.body)
			require.Equal(t, int64(2), rejected)
			require.Equal(t, "too old", message)
			if contentType == "application/json" {
				var object map[string]any
				require.NoError(t, json.Unmarshal(got.body, &object))
				require.Equal(t, got.header.Get("X-Job-Id"), object["jobId"])
			}
		}
		rejected, message, err := s.export(withKey(t.Context(), "good"), r.conn)
		require.NoError(t, err)
		require.Equal(t, int64(2), rejected)
		require.Equal(t, "too old", message)
	}
}

func TestReceiver_EmptyRequests(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	for _, s := range samples(t) {
		require.Equal(t, 200, r.post(t, "/v1/"+s.signal.String(), "good", "application/json", []byte("{}")).code)
		require.Equal(t, 200, r.post(t, "/v1/"+s.signal.String(), "good", "application/x-protobuf", nil).code)
		require.Equal(t, 401, r.post(t, "/v1/"+s.signal.String(), "", "application/x-protobuf", nil).code)
		require.Zero(t, r.count(s.signal))
	}
}

func TestReceiver_NotDurable(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	r.consume = func(ctx context.Context, _ int) error {
		receipt.FromContext(ctx).Durable(pipeline.SignalTraces, 1)
		receipt.FromContext(ctx).Filter(pipeline.SignalTraces, 1)
		return nil
	}
	s := tracesSample(t)
	for range 5 {
		require.Equal(t, 200, r.post(t, "/v1/traces", "good", "application/json", s.json).code)
	}
	require.Equal(t, 1, r.logs.FilterMessageSnippet("acknowledged items").Len(), "logged once per interval")
	require.Equal(t, int64(5), sum(t, r, "otelcol_receiver_tenant_otlp_not_durable_items"))
	require.Equal(t, int64(15), sum(t, r, "otelcol_receiver_tenant_otlp_accepted_items"))
}

func TestReceiver_Metrics(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	require.Equal(t, 401, r.post(t, "/v1/traces", "", "application/json", nil).code)
	require.Equal(t, 404, r.post(t, "/x", "", "application/json", nil).code)
	got, err := r.telemetry.GetMetric("otelcol_receiver_tenant_otlp_refused_requests")
	require.NoError(t, err)
	reasons := map[string]int64{}
	for _, point := range got.Data.(metricdata.Sum[int64]).DataPoints {
		reason, _ := point.Attributes.Value("reason")
		reasons[reason.AsString()] += point.Value
	}
	require.Equal(t, map[string]int64{"unauthenticated": 1, "unknown_path": 1}, reasons)
	latency, err := r.telemetry.GetMetric("otelcol_receiver_tenant_otlp_duration")
	require.NoError(t, err)
	require.Len(t, latency.Data.(metricdata.Histogram[float64]).DataPoints, 2)
}

func sum(t *testing.T, r *running, name string) (total int64) {
	t.Helper()
	got, err := r.telemetry.GetMetric(name)
	require.NoError(t, err)
	for _, point := range got.Data.(metricdata.Sum[int64]).DataPoints {
		total += point.Value
	}
	return total
}

func TestReceiver_PanicIsOneRequest(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	s := logsSample(t)
	r.consume = func(context.Context, int) error { panic("poison") }
	require.Equal(t, 500, r.post(t, "/v1/logs", "good", "application/json", s.json).code)
	_, _, err := s.export(withKey(t.Context(), "good"), r.conn)
	require.Equal(t, codes.Internal, status.Code(err))
	require.NotContains(t, err.Error(), "poison")
	r.consume = nil
	require.Equal(t, 200, r.post(t, "/v1/logs", "good", "application/json", s.json).code)
	_, _, err = s.export(withKey(t.Context(), "good"), r.conn)
	require.NoError(t, err)
}

func TestGRPC_Compressors(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	s := tracesSample(t)
	for _, name := range []string{"gzip", "zstd", "snappy"} {
		require.NotNil(t, grpcencoding.GetCompressor(name), name)
		_, _, err := s.export(withKey(t.Context(), "good"), r.conn, grpc.UseCompressor(name))
		require.NoError(t, err, name)
	}
	require.Equal(t, 9, r.count(s.signal))
}

func TestGRPC_Unimplemented(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	err := r.conn.Invoke(withKey(t.Context(), "good"), "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", nil, nil,
		grpc.ForceCodecV2(rawCodecForNil{}))
	require.Equal(t, codes.Unimplemented, status.Code(err))
}
