package tenantotlpreceiver

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/goleak"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
	ownmetadata "github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
	}))
}

func TestFactory_DefaultConfig(t *testing.T) {
	t.Parallel()
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.EqualError(t, confmap.Validate(cfg), "protocols: set grpc, http or both")
	require.Equal(t, "tenant_otlp", NewFactory().Type().String())
}

func TestConfig_Load(t *testing.T) {
	t.Parallel()
	for file, fault := range map[string]string{
		"minimal.yaml":         "",
		"full.yaml":            "",
		"no_auth.yaml":         "protocols::http::auth is required: name the extension that checks API keys",
		"no_auth_grpc.yaml":    "protocols::grpc::auth is required",
		"bad_coding.yaml":      `protocols::http::compression_algorithms: "br" is not one of gzip, zstd`,
		"query_key.yaml":       "protocols::http::auth::request_params is not supported",
		"bad_limits.yaml":      "max_value_depth must be between 1 and 1000 (got 0)",
		"unknown_key.yaml":     "invalid keys: max_request_size",
		"nothing_listens.yaml": "protocols: set grpc, http or both",
	} {
		conf, err := confmaptest.LoadConf(filepath.Join("testdata", file))
		require.NoError(t, err)
		cfg := NewFactory().CreateDefaultConfig()
		if err = conf.Unmarshal(cfg); err == nil {
			err = confmap.Validate(cfg)
		}
		if fault == "" {
			require.NoError(t, err, file)
			continue
		}
		require.ErrorContains(t, err, fault, file)
	}
}

func TestReceiver_StartFails(t *testing.T) {
	t.Parallel()
	t.Run("port taken by another", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		cfg := testConfig()
		cfg.Protocols.HTTP.Get().ServerConfig.NetAddr.Endpoint = taken.Addr().String()
		free, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		endpoint := free.Addr().String()
		require.NoError(t, free.Close())
		cfg.Protocols.GRPC.Get().NetAddr.Endpoint = endpoint
		r, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(ownmetadata.Type), cfg, consumertest.NewNop())
		require.NoError(t, err)
		require.ErrorContains(t, r.Start(t.Context(), authHost{Host: componenttest.NewNopHost(), server: testAuth{}}), "listen for HTTP")
		again, err := net.Listen("tcp", endpoint)
		require.NoError(t, err, "the gRPC port must be free again")
		require.NoError(t, again.Close())
		require.NoError(t, r.Shutdown(t.Context()))
	})
	t.Run("authenticator is missing", func(t *testing.T) {
		r, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(ownmetadata.Type), testConfig(), consumertest.NewNop())
		require.NoError(t, err)
		require.ErrorContains(t, r.Start(t.Context(), componenttest.NewNopHost()), `protocols::grpc::auth: failed to resolve authenticator "api_key_auth"`)
	})
}

func TestReceiver_ShutdownUnstarted(t *testing.T) {
	t.Parallel()
	r, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(ownmetadata.Type), testConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.Shutdown(t.Context()))
}

// statusHost records what a receiver reports.
type statusHost struct {
	authHost
	events chan *componentstatus.Event
}

func (h statusHost) Report(event *componentstatus.Event) { h.events <- event }

func TestReceiver_ServerEndsFatally(t *testing.T) {
	t.Parallel()
	r, err := newReceiver(testConfig(), receivertest.NewNopSettings(ownmetadata.Type), func() {})
	require.NoError(t, err)
	host := statusHost{authHost{Host: componenttest.NewNopHost(), server: testAuth{}}, make(chan *componentstatus.Event, 1)}
	r.serve(host, func() error { return net.ErrClosed })
	require.Equal(t, componentstatus.StatusFatalError, (<-host.events).Status())
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestReceiver_ShutdownFinishesRequests(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	entered, release := make(chan struct{}, 2), make(chan struct{})
	r.consume = func(ctx context.Context, items int) error {
		entered <- struct{}{}
		<-release
		receipt.FromContext(ctx).Durable(pipeline.SignalLogs, items)
		return nil
	}
	s := logsSample(t)
	codes := make(chan int, 1)
	failures := make(chan error, 1)
	go func() { codes <- r.post(t, "/v1/logs", "good", "application/json", s.json).code }() //nolint:testifylint // a failed post leaves the channel empty, and the test fails there
	go func() {
		_, _, err := s.export(withKey(context.Background(), "good"), r.conn)
		failures <- err
	}()
	<-entered
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.receiver.Shutdown(context.Background()) }()
	address := strings.TrimPrefix(r.url, "http://")
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "it must stop listening at once")
	require.Empty(t, stopped)
	close(release)
	require.Equal(t, 200, <-codes)
	require.NoError(t, <-failures)
	require.NoError(t, <-stopped)
}

func TestReceiver_ShutdownGivesUpAfterDrainTimeout(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.DrainTimeout = 50 * time.Millisecond
	r := start(t, cfg)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST /v1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, r.receiver.Shutdown(context.Background()))
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestHTTP_SlowBody(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Protocols.HTTP.Get().BodyReadTimeout = 50 * time.Millisecond
	r := start(t, cfg)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST /v1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	require.NoError(t, err)
	answer := make([]byte, 12)
	_, err = conn.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 408", string(answer))
}

func TestReceiver_CanceledClient(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig())
	entered, left := make(chan struct{}), make(chan error, 1)
	r.consume = func(ctx context.Context, _ int) error {
		close(entered)
		<-ctx.Done()
		left <- ctx.Err()
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(withKey(context.Background(), "good"))
	go func() {
		<-entered
		cancel()
	}()
	_, _, err := logsSample(t).export(ctx, r.conn)
	require.Error(t, err)
	require.ErrorIs(t, <-left, context.Canceled)
}
