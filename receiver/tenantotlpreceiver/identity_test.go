package tenantotlpreceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// identities sends requests and tells as what each was known to the pipeline.
func identities(t *testing.T, paths string) (send func(path, key string, body []byte, headers ...string) receipt.Identity, export func(context.Context, sample) receipt.Identity) {
	t.Helper()
	cfg := testConfig()
	cfg.Idempotency.Paths = paths
	require.NoError(t, cfg.Validate())
	r := start(t, cfg)
	var mu sync.Mutex
	var last receipt.Identity
	r.consume = func(ctx context.Context, items int) error {
		mu.Lock()
		defer mu.Unlock()
		for _, signal := range []pipeline.Signal{pipeline.SignalTraces, pipeline.SignalMetrics, pipeline.SignalLogs} {
			if known, ok := receipt.FromContext(ctx).Request(signal); ok {
				require.Equal(t, items, known.Items)
				last = known.Identity
				receipt.FromContext(ctx).Durable(signal, items)
			}
		}
		return nil
	}
	read := func() receipt.Identity {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
	send = func(path, key string, body []byte, headers ...string) receipt.Identity {
		require.Equal(t, 200, r.post(t, path, key, "application/x-protobuf", body, headers...).code)
		return read()
	}
	export = func(ctx context.Context, s sample) receipt.Identity {
		_, _, err := s.export(withKey(ctx, "good"), r.conn)
		require.NoError(t, err)
		return read()
	}
	return send, export
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	none, body := receipt.Identity{}, logsSample(t).protobuf
	t.Run("api", func(t *testing.T) {
		t.Parallel()
		send, export := identities(t, pathsAPI)
		first := send("/api/v2/otlp/logs", "good", body)
		require.NotEqual(t, none, first)
		require.Equal(t, first, send("/api/v2/otlp/logs", "good", body))
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body)
		require.NoError(t, w.Close())
		require.Equal(t, first, send("/api/v2/otlp/logs", "good", packed.Bytes(), "Content-Encoding", "gzip"), "what counts is the decompressed body")

		seen := map[receipt.Identity]bool{first: true}
		const named = "0190f3a1-0000-7000-8000-0000000000a1"
		for _, other := range []receipt.Identity{
			send("/api/v2/otlp/logs", "other", body),
			send("/api/v2/otlp/logs", "good", body, "X-Tenant-Id", named),
			send("/api/v2/otlp/logs", "good", append(bytes.Clone(body), logsSample(t).protobuf...)),
			send("/api/v2/otlp/traces", "good", tracesSample(t).protobuf),
		} {
			require.False(t, seen[other])
			seen[other] = true
		}
		require.Equal(t, none, send("/v1/logs", "good", body))
		require.Equal(t, none, send("/v2/logs", "good", body))
		require.Equal(t, none, export(t.Context(), logsSample(t)))
	})
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		send, export := identities(t, pathsAll)
		first := send("/v1/logs", "good", body)
		require.NotEqual(t, none, first)
		require.Equal(t, first, send("/v2/logs", "good", body))
		require.Equal(t, first, export(t.Context(), logsSample(t)))
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		send, _ := identities(t, pathsNone)
		require.Equal(t, none, send("/api/v2/otlp/logs", "good", body))
	})
	t.Run("Err", func(t *testing.T) {
		t.Parallel()
		cfg := testConfig()
		cfg.Idempotency.Paths = "some"
		require.ErrorContains(t, cfg.Validate(), `idempotency::paths must be api, all or none (got "some")`)
	})
}

// A repetition is answered as its first was.
func TestSuccess_Repeat(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		r := start(t, testConfig())
		r.consume = func(ctx context.Context, items int) error {
			receipt.FromContext(ctx).Durable(s.signal, items)
			receipt.FromContext(ctx).Repeat(s.signal, receipt.Answer{ID: "first", Rejected: 2, Message: "too old"})
			return nil
		}
		got := r.post(t, "/api/v2/otlp/"+s.signal.String(), "good", "application/json", s.json)
		require.Equal(t, "first", got.header.Get("X-Job-Id"))
		require.Contains(t, string(got.body), `{"jobId":"first",`)
		rejected, message := s.rejectedInReply(t, "application/json", got.body)
		require.EqualValues(t, 2, rejected)
		require.Equal(t, "too old", message)
	}
}
