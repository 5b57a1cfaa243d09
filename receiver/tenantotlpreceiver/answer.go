package tenantotlpreceiver

import (
	"net/http"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

const (
	// jobIDHeader names the receipt in HTTP headers and gRPC trailers.
	jobIDHeader = "X-Job-Id"
	// challenge names the scheme that a refused client may use.
	challenge = `Bearer realm="telemetryflow"`
)

// answer writes the export response. A full success leaves partial_success
// unset, as the specification demands, and so has no bytes at all in protobuf.
func answer(enc encoding, s *signal, a receipt.Answer) ([]byte, error) {
	if a.Rejected == 0 {
		if enc == encodingProtobuf {
			return nil, nil
		}
		return []byte("{}"), nil
	}
	return enc.marshal(s.respond(int64(a.Rejected), a.Message))
}

// withJobID adds jobId to a JSON object. The id has nothing to be escaped.
func withJobID(object []byte, id string) []byte {
	out := make([]byte, 0, len(object)+len(id)+len(`"jobId":"",`))
	out = append(out, `{"jobId":"`...)
	out = append(out, id...)
	out = append(out, '"')
	if string(object) != "{}" {
		out = append(out, ',')
	}
	return append(out, object[1:]...)
}

func setLimitHeaders(h http.Header, limit apikey.RateLimit) {
	for name, value := range limit.Headers() {
		h.Set(name, value)
	}
}

func limitMetadata(limit apikey.RateLimit) metadata.MD { return metadata.New(limit.Headers()) }

// wholeSeconds rounds up: a client that came back earlier would be refused.
func wholeSeconds(d time.Duration) int {
	return int(max(time.Second, d+time.Second-1) / time.Second)
}
