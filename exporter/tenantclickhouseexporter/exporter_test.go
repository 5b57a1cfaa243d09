package tenantclickhouseexporter

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestExporter_AllSignals(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	config := testConfig(database.URL)
	set := exportertest.NewNopSettings(metadata.Type)
	host := componenttest.NewNopHost()

	traces := startTraces(t, config)
	metrics, err := NewFactory().CreateMetrics(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, metrics.Start(t.Context(), host))
	logs, err := NewFactory().CreateLogs(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, logs.Start(t.Context(), host))

	r := receipt.New(pipeline.SignalTraces)
	require.NoError(t, traces.ConsumeTraces(receipt.NewContext(t.Context(), r), spans(tenantA, 7)))
	require.Equal(t, receipt.Counts{Durable: 7}, r.Counts())
	require.NoError(t, metrics.ConsumeMetrics(t.Context(), points(tenantA, 8)))
	require.NoError(t, logs.ConsumeLogs(t.Context(), records(tenantA, 9)))
	require.Equal(t, 7, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 8, count(t, conn, "SELECT count() FROM metrics_v3"))
	require.Equal(t, 9, count(t, conn, "SELECT count() FROM logs_v3"))
	require.NoError(t, metrics.Shutdown(t.Context()))
	require.NoError(t, logs.Shutdown(t.Context()))
}

// Requests of two tenants that arrive together are stored together, each under its
// tenant, in far fewer inserts than requests.
func TestExporter_Groups(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	proxy := newProxy(t, database.URL)
	traces := startTraces(t, testConfig(proxy.url))

	const clients, each = 20, 10
	var group sync.WaitGroup
	for i := range clients {
		owner := tenantA
		if i%2 == 1 {
			owner = tenantB
		}
		group.Go(func() {
			for range each {
				if err := traces.ConsumeTraces(t.Context(), spans(owner, 5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, clients*each*5/2, count(t, conn, "SELECT count() FROM spans_v3 WHERE tenant_id = '"+tenantA+"'"))
	require.Equal(t, clients*each*5/2, count(t, conn, "SELECT count() FROM spans_v3 WHERE tenant_id = '"+tenantB+"'"))
	require.Less(t, int(proxy.inserts.Load()), clients*each/4)
}

func TestExporter_ClickHouseDown(t *testing.T) {
	t.Parallel()
	server := testkit.NewClickHouseServer(t)
	database := server.Database(t)
	migrateSchema(t, database.URL)
	server.Kill()
	traces := startTraces(t, testConfig(database.URL))

	t.Run("ErrUnavailable", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		requireRetryable(t, traces.ConsumeTraces(ctx, spans(tenantA, 1000)))
	})
	stored := make(chan error, 1)
	go func() { stored <- traces.ConsumeTraces(context.WithoutCancel(t.Context()), spans(tenantA, 5)) }()
	server.Start(t)
	require.NoError(t, <-stored)
	require.Equal(t, 5, count(t, open(t, database.URL), "SELECT count() FROM spans_v3"),
		"what a client was told to send again is not stored behind its back")
}

// The answer of an insert that worked is lost: the repetition stores nothing, in the
// table and in the tables behind its materialized views.
func TestExporter_LostAnswer(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	proxy := newProxy(t, database.URL)
	proxy.dropAnswers.Store(2)
	traces := startTraces(t, testConfig(proxy.url))
	require.NoError(t, traces.ConsumeTraces(t.Context(), spans(tenantA, 5)))
	require.EqualValues(t, 3, proxy.inserts.Load())
	conn := open(t, database.URL)
	require.Equal(t, 5, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 5, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.Equal(t, 5, count(t, conn, "SELECT toUInt64(sum(item_count)) FROM mv_service_list"))
}

// One client's rows are refused by ClickHouse for good; the others' are stored.
func TestExporter_Poison(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans ADD CONSTRAINT named CHECK span_name != 'poison'"))
	proxy := newProxy(t, database.URL)
	proxy.hold()
	traces := startTraces(t, testConfig(proxy.url))

	const clients = 9
	errs := make([]error, clients)
	var group sync.WaitGroup
	for i := range clients {
		td := spans(tenantA, 3)
		if i == 4 {
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(1).SetName("poison")
		}
		group.Go(func() { errs[i] = traces.ConsumeTraces(t.Context(), td) })
	}
	proxy.release()
	group.Wait()
	for i, err := range errs {
		if i != 4 {
			require.NoError(t, err)
			continue
		}
		require.True(t, consumererror.IsPermanent(err))
		require.Equal(t, codes.InvalidArgument, status.Code(unwrapStatus(err)))
	}
	require.Equal(t, (clients-1)*3, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, (clients-1)*3, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
}

func TestExporter_Refusals(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	t.Run("ErrNoSchema", func(t *testing.T) {
		traces := startTraces(t, testConfig(database.URL))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		requireRetryable(t, traces.ConsumeTraces(ctx, spans(tenantA, 1)))
	})
	migrateSchema(t, database.URL)
	t.Run("ErrUnstamped", func(t *testing.T) {
		traces := startTraces(t, testConfig(database.URL))
		td := spans(tenantA, 1)
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		err := traces.ConsumeTraces(t.Context(), td)
		require.True(t, consumererror.IsPermanent(err))
	})
	t.Run("ErrFull", func(t *testing.T) {
		proxy := newProxy(t, database.URL)
		proxy.hold()
		config := testConfig(proxy.url)
		config.Waiting.MaxRequests = 1
		traces := startTraces(t, config)
		first := make(chan error, 1)
		go func() { first <- traces.ConsumeTraces(t.Context(), spans(tenantA, 1)) }()
		require.Eventually(t, func() bool { return proxy.held.Load() == 1 }, 10*time.Second, time.Millisecond)
		requireRetryable(t, traces.ConsumeTraces(t.Context(), spans(tenantA, 1)))
		proxy.release()
		require.NoError(t, <-first)
	})
	t.Run("ErrWrongPassword", func(t *testing.T) {
		config := testConfig(database.URL)
		config.Password = "wrong"
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		requireRetryable(t, startTraces(t, config).ConsumeTraces(ctx, spans(tenantA, 1)))
	})
	t.Run("ErrMaxAttempts", func(t *testing.T) {
		config := testConfig("http://127.0.0.1:1/none")
		config.Retry.MaxAttempts = 2
		requireRetryable(t, startTraces(t, config).ConsumeTraces(t.Context(), spans(tenantA, 1)))
	})
	require.Equal(t, 1, count(t, open(t, database.URL), "SELECT count() FROM spans_v3"))
}

func TestExporter_Empty(t *testing.T) {
	t.Parallel()
	traces := startTraces(t, testConfig("http://127.0.0.1:1/none"))
	require.NoError(t, traces.ConsumeTraces(t.Context(), ptrace.NewTraces()))
}

func TestExporter_Shutdown(t *testing.T) {
	t.Parallel()
	config := testConfig("http://127.0.0.1:1/none")
	traces, err := NewFactory().CreateTraces(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, traces.Start(t.Context(), componenttest.NewNopHost()))
	waiting := make(chan error, 1)
	go func() { waiting <- traces.ConsumeTraces(context.WithoutCancel(t.Context()), spans(tenantA, 1)) }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.NoError(t, traces.Shutdown(ctx))
	requireRetryable(t, <-waiting)
	requireRetryable(t, traces.ConsumeTraces(t.Context(), spans(tenantA, 1)))
}

// requireRetryable checks for the answer that OTLP clients repeat.
func requireRetryable(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err))
	answer := status.Convert(unwrapStatus(err))
	require.Equal(t, codes.Unavailable, answer.Code(), err)
	require.Len(t, answer.Details(), 1)
	require.IsType(t, &errdetails.RetryInfo{}, answer.Details()[0])
}

// unwrapStatus finds the gRPC status within wrapped errors.
func unwrapStatus(err error) error {
	for e := err; e != nil; {
		if _, ok := status.FromError(e); ok {
			return e
		}
		wrapped, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = wrapped.Unwrap()
	}
	return err
}

// proxy stands before the engine, counts inserts, holds them back and loses answers.
type proxy struct {
	url         string
	inserts     atomic.Int64
	held        atomic.Int64
	dropAnswers atomic.Int64
	gate        sync.RWMutex
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	upstream, err := url.Parse(target)
	require.NoError(t, err)
	p := &proxy{}
	reverse := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Query().Get("query"), "INSERT INTO ") {
			reverse.ServeHTTP(w, r)
			return
		}
		p.inserts.Add(1)
		p.held.Add(1)
		p.gate.RLock()
		defer p.gate.RUnlock()
		p.held.Add(-1)
		if p.dropAnswers.Add(-1) >= 0 {
			reverse.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		reverse.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	address := *upstream
	address.Host = strings.TrimPrefix(server.URL, "http://")
	p.url = address.String()
	return p
}

func (p *proxy) hold()    { p.gate.Lock() }
func (p *proxy) release() { p.gate.Unlock() }
