//go:build linux

package deploy

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

const (
	senders = 4
	// maxTries of one request: what a client with the usual back-off makes in a
	// few seconds.
	maxTries = 8
	firstGap = 20 * time.Millisecond
)

// send sends one span of a service; retry says that the answer asks for it.
type send func(ctx context.Context, service string) (retry bool, err error)

// traffic is a service that sends one span after the other, from several senders.
type traffic struct {
	service string
	send    send
	sent    atomic.Int64
	retried atomic.Int64
	quit    chan struct{}
	failed  chan error // one result per sender
}

func newTraffic(service string, send send) *traffic {
	return &traffic{service: service, send: send, quit: make(chan struct{}), failed: make(chan error, senders)}
}

func (c *traffic) start(t *testing.T) {
	for range senders {
		go func() { c.failed <- c.run(t.Context()) }()
	}
}

func (c *traffic) run(ctx context.Context) error {
	for {
		select {
		case <-c.quit:
			return nil
		default:
		}
		if err := c.one(ctx); err != nil {
			return err
		}
		c.sent.Add(1)
	}
}

func (c *traffic) one(ctx context.Context) error {
	gap := firstGap
	for try := 1; ; try++ {
		retry, err := c.send(ctx, c.service)
		if err == nil || !retry || try == maxTries {
			return err
		}
		c.retried.Add(1)
		select {
		case <-time.After(gap):
		case <-ctx.Done():
			return ctx.Err()
		}
		gap *= 2
	}
}

// awaitMore waits until n more spans were accepted.
func (c *traffic) awaitMore(t *testing.T, n int64) {
	t.Helper()
	goal := c.sent.Load() + n
	require.Eventually(t, func() bool { return c.sent.Load() >= goal || len(c.failed) > 0 }, stacktest.Patience, stacktest.Often)
}

func (c *traffic) stop(t *testing.T) (sent, retried int) {
	t.Helper()
	close(c.quit)
	for range senders {
		require.NoError(t, <-c.failed, c.service)
	}
	return int(c.sent.Load()), int(c.retried.Load())
}

func httpSender(n *nginx, key localstack.Key) send {
	client := n.cert.Client()
	retryable := []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return func(ctx context.Context, service string) (bool, error) {
		code, text, err := stacktest.Post(ctx, client, n.http, key, stacktest.Span(service))
		if err != nil {
			return true, err
		}
		if code != http.StatusOK {
			return slices.Contains(retryable, code), status.Errorf(codes.Unknown, "%d %s", code, text)
		}
		return false, nil
	}
}

func grpcSender(t *testing.T, n *nginx, key localstack.Key) send {
	t.Helper()
	conn, err := grpc.NewClient(n.grpc, grpc.WithTransportCredentials(credentials.NewTLS(n.cert.TLS())))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	client := ptraceotlp.NewGRPCClient(conn)
	return func(ctx context.Context, service string) (bool, error) {
		unmarshaler := ptrace.JSONUnmarshaler{}
		traces, err := unmarshaler.UnmarshalTraces([]byte(stacktest.Span(service)))
		if err != nil {
			return false, err
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "x-api-key-id", key.ID, "x-api-key-secret", key.Secret)
		_, err = client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(traces))
		return status.Code(err) == codes.Unavailable, err
	}
}
