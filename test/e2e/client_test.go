//go:build linux

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // registers the compressor that one of the ways uses
	"google.golang.org/grpc/metadata"
)

// credential is an API key as a client holds it.
type credential struct {
	id     string
	secret string
}

// way is one manner of sending OTLP: a transport, an encoding, a path dialect
// and a compression.
type way struct {
	name string
	send func(context.Context, *endpoints, credential, payload) (rejected int64, err error)
}

type endpoints struct {
	grpc *grpc.ClientConn
	http string // http://host:port
}

// ways covers every transport and encoding, every path dialect and every
// compression that SDKs use.
var ways = []way{
	{"grpc", sendGRPC()},
	{"grpc gzip", sendGRPC(grpc.UseCompressor("gzip"))},
	{"http protobuf /v1", sendHTTP("/v1/", "application/x-protobuf", "")},
	{"http protobuf /v2 gzip", sendHTTP("/v2/", "application/x-protobuf", "gzip")},
	{"http protobuf /api/v2/otlp zstd", sendHTTP("/api/v2/otlp/", "application/x-protobuf", "zstd")},
	{"http json /v1", sendHTTP("/v1/", "application/json", "")},
	{"http json /api/v2/otlp gzip", sendHTTP("/api/v2/otlp/", "application/json", "gzip")},
}

func sendGRPC(options ...grpc.CallOption) func(context.Context, *endpoints, credential, payload) (int64, error) {
	return func(ctx context.Context, to *endpoints, key credential, p payload) (int64, error) {
		pairs := []string{"x-api-key-id", key.id, "x-api-key-secret", key.secret}
		for name, value := range headersOf(ctx) {
			pairs = append(pairs, name, value)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, pairs...)
		switch p.signal {
		case "traces":
			answer, err := ptraceotlp.NewGRPCClient(to.grpc).Export(ctx, ptraceotlp.NewExportRequestFromTraces(p.traces), options...)
			if err != nil {
				return 0, err
			}
			return answer.PartialSuccess().RejectedSpans(), nil
		case "logs":
			answer, err := plogotlp.NewGRPCClient(to.grpc).Export(ctx, plogotlp.NewExportRequestFromLogs(p.logs), options...)
			if err != nil {
				return 0, err
			}
			return answer.PartialSuccess().RejectedLogRecords(), nil
		default:
			answer, err := pmetricotlp.NewGRPCClient(to.grpc).Export(ctx, pmetricotlp.NewExportRequestFromMetrics(p.points), options...)
			if err != nil {
				return 0, err
			}
			return answer.PartialSuccess().RejectedDataPoints(), nil
		}
	}
}

func sendHTTP(prefix, contentType, encoding string) func(context.Context, *endpoints, credential, payload) (int64, error) {
	return func(ctx context.Context, to *endpoints, key credential, p payload) (int64, error) {
		body, err := encode(p, contentType)
		if err != nil {
			return 0, err
		}
		if body, err = compress(body, encoding); err != nil {
			return 0, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.http+prefix+p.signal, bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("X-API-Key-ID", key.id)
		request.Header.Set("X-API-Key-Secret", key.secret)
		if encoding != "" {
			request.Header.Set("Content-Encoding", encoding)
		}
		for name, value := range headersOf(ctx) {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			return 0, err
		}
		if response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s: %s", response.Status, answer)
		}
		return rejected(p.signal, contentType, answer)
	}
}

type headerKey struct{}

// withHeader adds a header to the requests of a context.
func withHeader(ctx context.Context, name, value string) context.Context {
	return context.WithValue(ctx, headerKey{}, map[string]string{name: value})
}

func headersOf(ctx context.Context) map[string]string {
	headers, _ := ctx.Value(headerKey{}).(map[string]string)
	return headers
}

// message is what the three pairs of OTLP requests and responses have in common.
type message interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

func encode(p payload, contentType string) ([]byte, error) {
	var request message
	switch p.signal {
	case "traces":
		request = ptraceotlp.NewExportRequestFromTraces(p.traces)
	case "logs":
		request = plogotlp.NewExportRequestFromLogs(p.logs)
	default:
		request = pmetricotlp.NewExportRequestFromMetrics(p.points)
	}
	if contentType == "application/json" {
		return request.MarshalJSON()
	}
	return request.MarshalProto()
}

func compress(body []byte, encoding string) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "":
		return body, nil
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		encoder, err := zstd.NewWriter(&out)
		if err != nil {
			return nil, err
		}
		w = encoder
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// rejected reads the partial success of an answer in the request's encoding.
func rejected(signal, contentType string, answer []byte) (int64, error) {
	unmarshal := func(proto, json func([]byte) error) error {
		if contentType == "application/json" {
			return json(answer)
		}
		return proto(answer)
	}
	switch signal {
	case "traces":
		r := ptraceotlp.NewExportResponse()
		err := unmarshal(r.UnmarshalProto, r.UnmarshalJSON)
		return r.PartialSuccess().RejectedSpans(), err
	case "logs":
		r := plogotlp.NewExportResponse()
		err := unmarshal(r.UnmarshalProto, r.UnmarshalJSON)
		return r.PartialSuccess().RejectedLogRecords(), err
	default:
		r := pmetricotlp.NewExportResponse()
		err := unmarshal(r.UnmarshalProto, r.UnmarshalJSON)
		return r.PartialSuccess().RejectedDataPoints(), err
	}
}
