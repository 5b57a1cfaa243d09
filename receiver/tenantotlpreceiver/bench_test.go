package tenantotlpreceiver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// batchOf is an export request with spans of ten attributes.
func batchOf(b *testing.B, spans int) (ptraceotlp.ExportRequest, []byte) {
	data := ptrace.NewTraces()
	rs := data.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	all := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range spans {
		s := all.AppendEmpty()
		s.SetName("GET /cart")
		s.SetTraceID([16]byte{1, byte(i)})
		s.SetStartTimestamp(now())
		for a := range 10 {
			s.Attributes().PutStr(fmt.Sprint("attribute.", a), "some value")
		}
	}
	request := ptraceotlp.NewExportRequestFromTraces(data)
	body, err := request.MarshalProto()
	require.NoError(b, err)
	return request, body
}

// servers starts this receiver and the stock one, each on its own ports, with
// nothing behind them. Only ours authenticates.
func servers(b *testing.B) map[string][2]string {
	ours, stock := testConfig(), otlpreceiver.NewFactory().CreateDefaultConfig().(*otlpreceiver.Config)
	endpoints := map[string][2]string{"ours": {free(b), free(b)}, "stock": {free(b), free(b)}}
	ours.Protocols.GRPC.Get().NetAddr.Endpoint = endpoints["ours"][0]
	ours.Protocols.HTTP.Get().ServerConfig.NetAddr.Endpoint = endpoints["ours"][1]
	stock.Protocols.GRPC.GetOrInsertDefault().NetAddr.Endpoint = endpoints["stock"][0]
	stock.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = endpoints["stock"][1]
	for factory, cfg := range map[receiver.Factory]any{NewFactory(): ours, otlpreceiver.NewFactory(): stock} {
		r, err := factory.CreateTraces(context.Background(), receivertest.NewNopSettings(factory.Type()), cfg, consumertest.NewNop())
		require.NoError(b, err)
		require.NoError(b, r.Start(context.Background(), authHost{componenttest.NewNopHost(), testAuth{}}))
		b.Cleanup(func() { require.NoError(b, r.Shutdown(context.Background())) })
	}
	return endpoints
}

func free(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	require.NoError(b, l.Close())
	return l.Addr().String()
}

func BenchmarkReceivers(b *testing.B) {
	endpoints := servers(b)
	for _, spans := range []int{1, 500} {
		request, body := batchOf(b, spans)
		for _, name := range []string{"ours", "stock"} {
			b.Run(fmt.Sprintf("http/%d/%s", spans, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					req, _ := http.NewRequest(http.MethodPost, "http://"+endpoints[name][1]+"/v1/traces", bytes.NewReader(body))
					req.Header.Set("Content-Type", "application/x-protobuf")
					req.Header.Set("Authorization", "Bearer good")
					resp, err := http.DefaultClient.Do(req)
					require.NoError(b, err)
					require.Equal(b, 200, resp.StatusCode)
					_, err = io.Copy(io.Discard, resp.Body) // else the connection is not used again
					require.NoError(b, err)
					resp.Body.Close()
				}
			})
			b.Run(fmt.Sprintf("grpc/%d/%s", spans, name), func(b *testing.B) {
				conn, err := grpc.NewClient(endpoints[name][0], grpc.WithTransportCredentials(insecure.NewCredentials()))
				require.NoError(b, err)
				defer conn.Close()
				client, ctx := ptraceotlp.NewGRPCClient(conn), withKey(context.Background(), "good")
				b.ReportAllocs()
				for b.Loop() {
					_, err := client.Export(ctx, request)
					require.NoError(b, err)
				}
			})
		}
	}
}

// BenchmarkHandler measures the handler without a network.
func BenchmarkHandler(b *testing.B) {
	handler := newHandler(b)
	_, body := batchOf(b, 500)
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/x-protobuf")
		req.Header.Set("Authorization", "Bearer good")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		require.Equal(b, 200, w.Code)
	}
}

func BenchmarkShape(b *testing.B) {
	_, body := batchOf(b, 500)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		require.NoError(b, (shape{depth: defaultMaxValueDepth, memory: maxGrowth * defaultMaxBodyMiB << 20}).check(encodingProtobuf, tracesRequest, body))
	}
}

func BenchmarkDecode(b *testing.B) {
	_, body := batchOf(b, 500)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		require.NoError(b, ptraceotlp.NewExportRequest().UnmarshalProto(body))
	}
}
