package tenantotlpreceiver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	ownmetadata "github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

var authID = component.MustNewID("api_key_auth")

// authHost is a host whose only extension is an authenticator.
type authHost struct {
	component.Host
	server    component.Component
	directory component.Component // nil: none
}

func (h authHost) GetExtensions() map[component.ID]component.Component {
	extensions := map[component.ID]component.Component{authID: h.server}
	if h.directory != nil {
		extensions[component.MustNewID("write_ahead_log")] = h.directory
	}
	return extensions
}

// testAuth reads the outcome from the credential itself: "Bearer good".
type testAuth struct {
	component.StartFunc
	component.ShutdownFunc
}

var ownScope = tenant.Scope{Workspace: tenant.ID{1}, Tenant: tenant.ID{2}}

func (testAuth) Authenticate(ctx context.Context, headers map[string][]string) (context.Context, error) {
	sent := slices.Concat(headers["Authorization"], headers["authorization"])
	permissions := []tenant.Permission{tenant.TracesWrite, tenant.MetricsWrite, tenant.LogsWrite}
	call, key := &apikey.Call{}, apikey.ID{1}
	switch strings.TrimPrefix(strings.Join(sent, ""), "Bearer ") {
	case "good":
	case "other":
		key = apikey.ID{2}
	case "no-permission":
		permissions = nil
	case "limited":
		call.Limit = apikey.RateLimit{Limit: 1000, Remaining: 7, Reset: time.Now().Add(30 * time.Second)}
	case "spent":
		return nil, &apikey.LimitError{What: "requests per minute", RateLimit: apikey.RateLimit{Limit: 1000, Reset: time.Now().Add(30 * time.Second)}, RetryAfter: 1500 * time.Millisecond}
	case "over-budget":
		call.Budget = emptyBudget{}
	case "store-down":
		return nil, apikey.ErrUnavailable
	case "plain-error":
		return nil, errors.New("secret detail of the authenticator")
	case "auth-panic":
		panic("authenticator")
	default:
		return nil, apikey.ErrUnauthenticated
	}
	principal := tenant.NewTenantPrincipal(key.String(), tenant.ID{9}, ownScope, permissions)
	info := client.FromContext(ctx)
	auth := &tenant.Auth{Principal: principal}
	if named := headers["X-Tenant-Id"]; len(named) > 0 {
		auth.Choice.Tenant, _ = tenant.ParseID(named[0])
	}
	info.Auth = auth
	return apikey.NewContext(client.NewContext(ctx, info), call), nil
}

type emptyBudget struct{}

func (emptyBudget) Spend(context.Context, int, int) error {
	return &apikey.LimitError{What: "items per second", RetryAfter: 3 * time.Second}
}

// sink is the pipeline behind the receiver.
type sink struct {
	mu      sync.Mutex
	items   map[pipeline.Signal]int
	last    any
	consume func(ctx context.Context, items int) error // nil: everything is durable
}

func (s *sink) take(ctx context.Context, signal pipeline.Signal, items int, data any) error {
	s.mu.Lock()
	s.items[signal] += items
	s.last = data
	s.mu.Unlock()
	if s.consume != nil {
		return s.consume(ctx, items)
	}
	receipt.FromContext(ctx).Durable(signal, items)
	return nil
}

func (s *sink) count(signal pipeline.Signal) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[signal]
}

// running is a started receiver.
type running struct {
	*sink
	url       string
	conn      *grpc.ClientConn
	logs      *observer.ObservedLogs
	telemetry *componenttest.Telemetry
	receiver  component.Component
}

func testConfig() *Config {
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	grpc := cfg.Protocols.GRPC.GetOrInsertDefault()
	grpc.NetAddr.Endpoint = "127.0.0.1:0"
	grpc.Auth = configoptional.Some(configauth.Config{AuthenticatorID: authID})
	grpc.MaxRecvMsgSizeMiB = 4
	http := cfg.Protocols.HTTP.GetOrInsertDefault()
	http.ServerConfig.NetAddr.Endpoint = "127.0.0.1:0"
	http.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: authID}})
	http.ServerConfig.MaxRequestBodySize = 4 << 20
	cfg.DrainTimeout = 5 * time.Second
	return cfg
}

func start(t testing.TB, cfg *Config) *running {
	t.Helper()
	return startWith(t, cfg, nil)
}

// startWith starts a receiver beside a directory of logs.
func startWith(t testing.TB, cfg *Config, directory component.Component) *running {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	r := &running{sink: &sink{items: make(map[pipeline.Signal]int)}, logs: logs, telemetry: componenttest.NewTelemetry()}
	set := receivertest.NewNopSettings(ownmetadata.Type)
	set.TelemetrySettings = r.telemetry.NewTelemetrySettings()
	set.Logger = zap.New(core)
	r.create(t, set, cfg)
	t.Cleanup(func() {
		require.NoError(t, r.receiver.Shutdown(context.Background()))
		require.NoError(t, r.telemetry.Shutdown(context.Background()))
	})
	require.NoError(t, r.receiver.Start(context.Background(), authHost{componenttest.NewNopHost(), testAuth{}, directory}))
	for _, entry := range logs.FilterMessageSnippet("listening for").All() {
		endpoint := entry.ContextMap()["endpoint"].(string)
		if strings.Contains(entry.Message, "HTTP") {
			r.url = "http://" + endpoint
			continue
		}
		conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		r.conn = conn
	}
	return r
}

func (r *running) create(t testing.TB, set receiver.Settings, cfg *Config) {
	factory := NewFactory()
	traces, err := consumer.NewTraces(func(ctx context.Context, d ptrace.Traces) error {
		return r.take(ctx, pipeline.SignalTraces, d.SpanCount(), d)
	})
	require.NoError(t, err)
	metrics, err := consumer.NewMetrics(func(ctx context.Context, d pmetric.Metrics) error {
		return r.take(ctx, pipeline.SignalMetrics, d.DataPointCount(), d)
	})
	require.NoError(t, err)
	logs, err := consumer.NewLogs(func(ctx context.Context, d plog.Logs) error {
		return r.take(ctx, pipeline.SignalLogs, d.LogRecordCount(), d)
	})
	require.NoError(t, err)
	ctx := context.Background()
	_, err = factory.CreateTraces(ctx, set, cfg, traces)
	require.NoError(t, err)
	_, err = factory.CreateMetrics(ctx, set, cfg, metrics)
	require.NoError(t, err)
	shared, err := factory.CreateLogs(ctx, set, cfg, logs)
	require.NoError(t, err)
	r.receiver = shared
}

// reply is an HTTP answer.
type reply struct {
	code   int
	header http.Header
	body   []byte
}

// post sends a request; headers are name, value pairs.
func (r *running) post(t testing.TB, path, key, contentType string, body []byte, headers ...string) reply {
	t.Helper()
	return r.send(t, http.MethodPost, path, key, contentType, body, headers...)
}

func (r *running) send(t testing.TB, method, path, key, contentType string, body []byte, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(string(body)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp.StatusCode, resp.Header, got}
}

func withKey(ctx context.Context, key string) context.Context {
	if key == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
}

// sample is an export request with three items, in both encodings.
type sample struct {
	signal          pipeline.Signal
	protobuf, json  []byte
	export          func(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (rejected int64, message string, err error)
	rejectedInReply func(t testing.TB, contentType string, body []byte) (int64, string)
}

func samples(t testing.TB) []sample {
	return []sample{tracesSample(t), metricsSample(t), logsSample(t)}
}

func encode(t testing.TB, from response) (protobuf, json []byte) {
	protobuf, err := from.MarshalProto()
	require.NoError(t, err)
	json, err = from.MarshalJSON()
	require.NoError(t, err)
	return protobuf, json
}

func parse(t testing.TB, contentType string, body []byte, into request) {
	if contentType == "application/json" {
		require.NoError(t, into.UnmarshalJSON(body))
		return
	}
	require.NoError(t, into.UnmarshalProto(body))
}

func now() pcommon.Timestamp { return pcommon.NewTimestampFromTime(time.Now()) }

func tracesSample(t testing.TB) sample {
	data := ptrace.NewTraces()
	spans := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 3 {
		s := spans.AppendEmpty()
		s.SetName("checkout")
		s.SetTraceID([16]byte{1})
		s.SetSpanID([8]byte{2})
		s.SetStartTimestamp(now())
	}
	request := ptraceotlp.NewExportRequestFromTraces(data)
	protobuf, json := encode(t, request)
	return sample{
		pipeline.SignalTraces, protobuf, json,
		func(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (int64, string, error) {
			r, err := ptraceotlp.NewGRPCClient(conn).Export(ctx, request, opts...)
			if err != nil {
				return 0, "", err
			}
			return r.PartialSuccess().RejectedSpans(), r.PartialSuccess().ErrorMessage(), nil
		},
		func(t testing.TB, contentType string, body []byte) (int64, string) {
			r := ptraceotlp.NewExportResponse()
			parse(t, contentType, body, r)
			return r.PartialSuccess().RejectedSpans(), r.PartialSuccess().ErrorMessage()
		},
	}
}

func metricsSample(t testing.TB) sample {
	data := pmetric.NewMetrics()
	points := data.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints()
	for range 3 {
		points.AppendEmpty().SetTimestamp(now())
	}
	request := pmetricotlp.NewExportRequestFromMetrics(data)
	protobuf, json := encode(t, request)
	return sample{
		pipeline.SignalMetrics, protobuf, json,
		func(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (int64, string, error) {
			r, err := pmetricotlp.NewGRPCClient(conn).Export(ctx, request, opts...)
			if err != nil {
				return 0, "", err
			}
			return r.PartialSuccess().RejectedDataPoints(), r.PartialSuccess().ErrorMessage(), nil
		},
		func(t testing.TB, contentType string, body []byte) (int64, string) {
			r := pmetricotlp.NewExportResponse()
			parse(t, contentType, body, r)
			return r.PartialSuccess().RejectedDataPoints(), r.PartialSuccess().ErrorMessage()
		},
	}
}

func logsSample(t testing.TB) sample {
	data := plog.NewLogs()
	records := data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range 3 {
		records.AppendEmpty().Body().SetStr("hello")
	}
	request := plogotlp.NewExportRequestFromLogs(data)
	protobuf, json := encode(t, request)
	return sample{
		pipeline.SignalLogs, protobuf, json,
		func(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (int64, string, error) {
			r, err := plogotlp.NewGRPCClient(conn).Export(ctx, request, opts...)
			if err != nil {
				return 0, "", err
			}
			return r.PartialSuccess().RejectedLogRecords(), r.PartialSuccess().ErrorMessage(), nil
		},
		func(t testing.TB, contentType string, body []byte) (int64, string) {
			r := plogotlp.NewExportResponse()
			parse(t, contentType, body, r)
			return r.PartialSuccess().RejectedLogRecords(), r.PartialSuccess().ErrorMessage()
		},
	}
}
