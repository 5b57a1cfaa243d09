package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
)

// answer is how an attempt ended.
type answer struct {
	outcome    ledger.Outcome
	reason     string
	retryAfter time.Duration
}

// The reasons that are not codes.
const (
	reasonNotSent = "not_sent" // nobody listens
	reasonPartial = "partial"  // some items are refused, and it is not said which
)

// sender sends OTLP to one collector.
type sender struct {
	config *Config
	client *http.Client
	conn   *grpc.ClientConn
}

func newSender(config *Config) (*sender, error) {
	// The collector is back soon after it is killed; gRPC would wait two minutes.
	quick := grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 300 * time.Millisecond},
		MinConnectTimeout: time.Second,
	}
	conn, err := grpc.NewClient(config.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(quick), grpc.WithDisableRetry())
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: config.InFlight * len(config.Streams), DisableCompression: true}
	return &sender{config: config, client: &http.Client{Transport: transport}, conn: conn}, nil
}

func (s *sender) send(ctx context.Context, stream Stream, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if stream.Transport == GRPC {
		return s.grpc(ctx, stream, body)
	}
	return s.http(ctx, stream, body)
}

func (s *sender) http(ctx context.Context, stream Stream, body []byte) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.config.HTTP+cmp.Or(s.config.Path, "/v1/")+stream.Kind.signal(), bytes.NewReader(body))
	if err != nil {
		return answer{outcome: ledger.Refused, reason: reasonNotSent}
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("X-API-Key-ID", s.config.KeyID)
	request.Header.Set("X-API-Key-Secret", s.config.KeySecret)
	response, err := s.client.Do(request)
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return answer{outcome: ledger.Refused, reason: reasonNotSent}
	case err != nil:
		return answer{outcome: ledger.Unknown}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case response.StatusCode != http.StatusOK:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return answer{ledger.Refused, strconv.Itoa(response.StatusCode), time.Duration(seconds) * time.Second}
	case err != nil:
		return answer{outcome: ledger.Unknown}
	}
	return stream.Kind.success(text)
}

// success reads the answer of a success, which may be partial.
func (k Kind) success(text []byte) answer {
	var rejected int64
	var err error
	switch k {
	case Spans:
		response := ptraceotlp.NewExportResponse()
		err = response.UnmarshalProto(text)
		rejected = response.PartialSuccess().RejectedSpans()
	case Records:
		response := plogotlp.NewExportResponse()
		err = response.UnmarshalProto(text)
		rejected = response.PartialSuccess().RejectedLogRecords()
	default:
		response := pmetricotlp.NewExportResponse()
		err = response.UnmarshalProto(text)
		rejected = response.PartialSuccess().RejectedDataPoints()
	}
	if err != nil || rejected != 0 {
		return answer{outcome: ledger.Unknown, reason: reasonPartial}
	}
	return answer{outcome: ledger.Acked}
}

func (k Kind) signal() string {
	switch k {
	case Spans:
		return "traces"
	case Records:
		return "logs"
	default:
		return "metrics"
	}
}

var methods = map[string]string{
	"traces":  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
	"logs":    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
	"metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}

func (s *sender) grpc(ctx context.Context, stream Stream, body []byte) answer {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-api-key-id", s.config.KeyID, "x-api-key-secret", s.config.KeySecret)
	var reply []byte
	err := s.conn.Invoke(ctx, methods[stream.Kind.signal()], body, &reply, grpc.ForceCodecV2(bytesCodec{}))
	if err == nil {
		return stream.Kind.success(reply)
	}
	st := status.Convert(err)
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok { // only a server sends it
			return answer{ledger.Refused, st.Code().String(), info.GetRetryDelay().AsDuration()}
		}
	}
	switch st.Code() {
	case codes.Unavailable:
		if strings.Contains(st.Message(), "Error while dialing") {
			return answer{outcome: ledger.Refused, reason: reasonNotSent}
		}
		return answer{outcome: ledger.Unknown}
	case codes.DeadlineExceeded, codes.Canceled, codes.Internal, codes.Unknown:
		return answer{outcome: ledger.Unknown, reason: st.Code().String()}
	}
	return answer{outcome: ledger.Refused, reason: st.Code().String()}
}
