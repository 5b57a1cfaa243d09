package tenantcontextprocessor

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/processor/tenantcontextprocessor/internal/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func id(n byte) tenant.ID { return tenant.ID{0: 1, 15: n} }

var (
	tenantA = tenant.Scope{Workspace: id(10), Tenant: id(11)}
	tenantB = tenant.Scope{Workspace: id(10), Tenant: id(12)}
	foreign = tenant.Scope{Workspace: id(20), Tenant: id(21)}
	all     = []tenant.Permission{tenant.LogsWrite, tenant.MetricsWrite, tenant.TracesWrite}
	narrow  = tenant.NewTenantPrincipal("tfk_narrow", id(1), tenantA, all)
	wide    = tenant.NewWidePrincipal("tfk_wide", id(1), []tenant.Scope{tenantA, tenantB}, all)
)

func withAuth(p *tenant.Principal, choice tenant.Choice) context.Context {
	return client.NewContext(context.Background(), client.Info{Auth: &tenant.Auth{Principal: p, Choice: choice}})
}

// resource describes one resource with two log records by its attributes.
type resource func(pcommon.Map)

func attributes(values ...any) resource {
	return func(m pcommon.Map) {
		m.PutStr("service.name", "checkout")
		for i := 0; i < len(values); i += 2 {
			if err := m.PutEmpty(values[i].(string)).FromRaw(values[i+1]); err != nil {
				panic(err)
			}
		}
	}
}

func consumeLogs(ctx context.Context, t *testing.T, resources ...resource) (*consumertest.LogsSink, receipt.Counts, string, error) {
	t.Helper()
	data := plog.NewLogs()
	for _, fill := range resources {
		rl := data.ResourceLogs().AppendEmpty()
		fill(rl.Resource().Attributes())
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		records.AppendEmpty()
		records.AppendEmpty()
	}
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(ctx, processortest.NewNopSettings(metadata.Type), NewFactory().CreateDefaultConfig(), sink)
	require.NoError(t, err)
	require.True(t, p.Capabilities().MutatesData)
	r := receipt.New(pipeline.SignalLogs)
	err = p.ConsumeLogs(receipt.NewContext(ctx, r), data)
	return sink, r.Counts(), r.Message(), err
}

func TestProcessor_Tenancy(t *testing.T) {
	t.Parallel()
	ws, tn := tenant.WorkspaceAttribute, tenant.TenantAttribute
	named := func(s tenant.Scope) resource { return attributes(ws, s.Workspace.String(), tn, s.Tenant.String()) }
	choose := func(s tenant.Scope) tenant.Choice { return tenant.Choice(s) }
	none := tenant.Choice{}
	for _, row := range []struct {
		name      string
		principal *tenant.Principal
		header    tenant.Choice
		resources []resource
		stored    []tenant.Scope
		code      codes.Code
	}{
		{"bound key, nothing named", narrow, none, []resource{attributes()}, []tenant.Scope{tenantA}, codes.OK},
		{"bound key, own tenant named", narrow, choose(tenantA), []resource{named(tenantA)}, []tenant.Scope{tenantA}, codes.OK},
		{"bound key, foreign header", narrow, choose(foreign), []resource{attributes()}, nil, codes.PermissionDenied},
		{"bound key, sibling tenant in header", narrow, choose(tenantB), []resource{attributes()}, nil, codes.PermissionDenied},
		{"bound key, foreign workspace header", narrow, tenant.Choice{Workspace: id(20)}, []resource{attributes()}, nil, codes.PermissionDenied},
		{"bound key, forged attributes", narrow, none, []resource{named(foreign), attributes()}, []tenant.Scope{tenantA}, codes.OK},
		{"bound key, forged workspace", narrow, none, []resource{attributes(ws, id(20).String())}, nil, codes.OK},
		{"bound key, own header, forged attributes", narrow, choose(tenantA), []resource{named(foreign)}, nil, codes.OK},
		{"wide key, nothing named", wide, none, []resource{attributes()}, nil, codes.InvalidArgument},
		{"wide key, one resource unnamed", wide, none, []resource{named(tenantA), attributes()}, nil, codes.InvalidArgument},
		{"wide key, only the workspace", wide, tenant.Choice{Workspace: id(10)}, []resource{attributes()}, nil, codes.InvalidArgument},
		{"wide key, workspace header and tenant attribute", wide, tenant.Choice{Workspace: id(10)}, []resource{attributes(tn, id(12).String())}, []tenant.Scope{tenantB}, codes.OK},
		{"wide key, header", wide, choose(tenantB), []resource{attributes(), attributes()}, []tenant.Scope{tenantB, tenantB}, codes.OK},
		{"wide key, foreign header", wide, choose(foreign), []resource{named(tenantA)}, nil, codes.PermissionDenied},
		{"wide key, foreign workspace header", wide, tenant.Choice{Workspace: id(20)}, []resource{named(tenantA)}, nil, codes.PermissionDenied},
		{"wide key, attributes per resource", wide, none, []resource{named(tenantA), named(tenantB)}, []tenant.Scope{tenantA, tenantB}, codes.OK},
		{"wide key, header over attributes", wide, choose(tenantA), []resource{named(tenantB)}, []tenant.Scope{tenantA}, codes.OK},
		{"wide key, one foreign attribute", wide, none, []resource{named(tenantA), named(foreign)}, []tenant.Scope{tenantA}, codes.OK},
		{"wide key, workspace does not fit the tenant", wide, none, []resource{attributes(ws, id(20).String(), tn, id(11).String())}, nil, codes.OK},
		{"upper case", wide, none, []resource{attributes(tn, "0100000000000000000000000000000B")}, nil, codes.OK},
		{"not a UUID", narrow, none, []resource{attributes(tn, "../../etc")}, nil, codes.OK},
		{"odd bytes", narrow, none, []resource{attributes(tn, "\xff\x00'; DROP TABLE x")}, nil, codes.OK},
		{"empty", narrow, none, []resource{attributes(tn, "")}, nil, codes.OK},
		{"zero", narrow, none, []resource{attributes(tn, tenant.ID{}.String())}, nil, codes.OK},
		{"number", narrow, none, []resource{attributes(tn, 7)}, nil, codes.OK},
		{"no permission", tenant.NewTenantPrincipal("k", id(1), tenantA, []tenant.Permission{tenant.TracesWrite}), none, []resource{attributes()}, nil, codes.PermissionDenied},
	} {
		sink, counts, message, err := consumeLogs(withAuth(row.principal, row.header), t, row.resources...)
		require.Equal(t, row.code, codeOf(err), "%s: %v", row.name, err)
		if row.code != codes.OK {
			require.True(t, consumererror.IsPermanent(err), row.name)
			require.Empty(t, sink.AllLogs(), row.name)
			continue
		}
		require.Equal(t, row.stored, stamped(t, sink), row.name)
		rejected := 2 * (len(row.resources) - len(row.stored))
		require.Equal(t, rejected, counts.Rejected, row.name)
		require.Equal(t, rejected > 0, message != "", row.name)
	}
}

func codeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return status.Code(err)
}

// stamped lists the tenants of what passed, and checks that each is named once.
func stamped(t *testing.T, sink *consumertest.LogsSink) (scopes []tenant.Scope) {
	t.Helper()
	for _, data := range sink.AllLogs() {
		for _, rl := range data.ResourceLogs().All() {
			var s tenant.Scope
			seen := 0
			for key, value := range rl.Resource().Attributes().All() {
				switch key {
				case tenant.WorkspaceAttribute:
					s.Workspace, _ = tenant.ParseID(value.Str())
					seen++
				case tenant.TenantAttribute:
					s.Tenant, _ = tenant.ParseID(value.Str())
					seen++
				}
			}
			require.Equal(t, 2, seen)
			scopes = append(scopes, s)
		}
	}
	return scopes
}

func TestProcessor_NoPrincipal(t *testing.T) {
	t.Parallel()
	_, _, _, err := consumeLogs(context.Background(), t, attributes())
	require.Equal(t, codes.Unauthenticated, codeOf(err))
	_, _, _, err = consumeLogs(client.NewContext(context.Background(), client.Info{Auth: otherAuth{}}), t, attributes())
	require.Equal(t, codes.PermissionDenied, codeOf(err))
	_, _, _, err = consumeLogs(withAuth(nil, tenant.Choice{}), t, attributes())
	require.Equal(t, codes.PermissionDenied, codeOf(err))
	var missing *tenant.Auth
	_, _, _, err = consumeLogs(client.NewContext(context.Background(), client.Info{Auth: missing}), t, attributes())
	require.Equal(t, codes.PermissionDenied, codeOf(err))
}

type otherAuth struct{}

func (otherAuth) GetAttribute(string) any     { return nil }
func (otherAuth) GetAttributeNames() []string { return nil }

// TestProcessor_DuplicateKeys sends the reserved attribute twice, as only the
// wire can: the first is the caller's own tenant, the second a foreign one.
func TestProcessor_DuplicateKeys(t *testing.T) {
	t.Parallel()
	ctx := withAuth(narrow, tenant.Choice{})
	keyValue := func(value string) []byte {
		return field(1, field(1, []byte(tenant.TenantAttribute)), field(2, field(1, []byte(value))))
	}
	wire := field(1, field(1, keyValue(tenantA.Tenant.String()), keyValue(foreign.Tenant.String())), field(2, field(2)))
	request := plogotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalProto(wire))
	require.Equal(t, 2, request.Logs().ResourceLogs().At(0).Resource().Attributes().Len())
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(ctx, processortest.NewNopSettings(metadata.Type), NewFactory().CreateDefaultConfig(), sink)
	require.NoError(t, err)
	r := receipt.New(pipeline.SignalLogs)
	require.NoError(t, p.ConsumeLogs(receipt.NewContext(ctx, r), request.Logs()))
	require.Empty(t, sink.AllLogs())
	require.Equal(t, receipt.Counts{Rejected: 1}, r.Counts())
}

// field encodes one length-delimited protobuf field shorter than 16 kB.
func field(number byte, parts ...[]byte) []byte {
	var body []byte
	for _, part := range parts {
		body = append(body, part...)
	}
	if len(body) < 128 {
		return append([]byte{number<<3 | 2, byte(len(body))}, body...)
	}
	return append([]byte{number<<3 | 2, byte(len(body))&0x7f | 0x80, byte(len(body) >> 7)}, body...)
}

func TestProcessor_Window(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) pcommon.Timestamp { return pcommon.NewTimestampFromTime(time.Now().Add(d)) }
	for _, row := range []struct {
		name                  string
		time                  pcommon.Timestamp
		logs, metrics, traces bool
	}{
		{"now", at(0), true, true, true},
		{"29 days ago", at(-29 * day), true, true, true},
		{"31 days ago", at(-31 * day), false, true, false},
		{"91 days ago", at(-91 * day), false, false, false},
		{"in 23 hours", at(23 * time.Hour), true, true, true},
		{"in 25 hours", at(25 * time.Hour), false, false, false},
		{"zero", 0, true, false, false},
		{"one", 1, false, false, false},
		{"signed maximum", math.MaxInt64, false, false, false},
		{"maximum", math.MaxUint64, false, false, false},
	} {
		require.Equal(t, row.logs, passes(t, row.time).logs, "logs %s", row.name)
		require.Equal(t, row.metrics, passes(t, row.time).metrics, "metrics %s", row.name)
		require.Equal(t, row.traces, passes(t, row.time).traces, "traces %s", row.name)
	}
}

type outcome struct{ logs, metrics, traces bool }

// passes sends an item of each signal, and for metrics of each kind, beside one
// that always passes, and says whether it came through and nothing else changed.
func passes(t *testing.T, at pcommon.Timestamp) (got outcome) {
	t.Helper()
	ctx := withAuth(narrow, tenant.Choice{})
	set, cfg := processortest.NewNopSettings(metadata.Type), NewFactory().CreateDefaultConfig()
	good := pcommon.NewTimestampFromTime(time.Now())

	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty().SetTimestamp(at)
	records.AppendEmpty().SetObservedTimestamp(good)
	p, err := NewFactory().CreateLogs(ctx, set, cfg, new(consumertest.LogsSink))
	require.NoError(t, err)
	r := receipt.New(pipeline.SignalLogs)
	require.NoError(t, p.ConsumeLogs(receipt.NewContext(ctx, r), logs))
	require.Equal(t, 2, logs.LogRecordCount()+r.Counts().Rejected)
	got.logs = r.Counts().Rejected == 0

	spans := ptrace.NewTraces()
	ss := spans.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	ss.AppendEmpty().SetStartTimestamp(at)
	ss.AppendEmpty().SetStartTimestamp(good)
	pt, err := NewFactory().CreateTraces(ctx, set, cfg, new(consumertest.TracesSink))
	require.NoError(t, err)
	r = receipt.New(pipeline.SignalTraces)
	require.NoError(t, pt.ConsumeTraces(receipt.NewContext(ctx, r), spans))
	require.Equal(t, 2, spans.SpanCount()+r.Counts().Rejected)
	got.traces = r.Counts().Rejected == 0

	metrics := everyKind(at, good)
	pm, err := NewFactory().CreateMetrics(ctx, set, cfg, new(consumertest.MetricsSink))
	require.NoError(t, err)
	r = receipt.New(pipeline.SignalMetrics)
	require.NoError(t, pm.ConsumeMetrics(receipt.NewContext(ctx, r), metrics))
	require.Equal(t, 10, metrics.DataPointCount()+r.Counts().Rejected)
	require.Contains(t, []int{0, 5}, r.Counts().Rejected)
	got.metrics = r.Counts().Rejected == 0
	return got
}

func everyKind(times ...pcommon.Timestamp) pmetric.Metrics {
	data := pmetric.NewMetrics()
	all := data.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	gauge, sum, histogram := all.AppendEmpty().SetEmptyGauge(), all.AppendEmpty().SetEmptySum(), all.AppendEmpty().SetEmptyHistogram()
	exponential, summary := all.AppendEmpty().SetEmptyExponentialHistogram(), all.AppendEmpty().SetEmptySummary()
	for _, at := range times {
		gauge.DataPoints().AppendEmpty().SetTimestamp(at)
		gauge.DataPoints().At(0).SetDoubleValue(math.NaN())
		sum.DataPoints().AppendEmpty().SetTimestamp(at)
		sum.DataPoints().At(0).SetDoubleValue(math.Inf(-1))
		histogram.DataPoints().AppendEmpty().SetTimestamp(at)
		exponential.DataPoints().AppendEmpty().SetTimestamp(at)
		summary.DataPoints().AppendEmpty().SetTimestamp(at)
	}
	return data
}

func TestProcessor_EverythingRejected(t *testing.T) {
	t.Parallel()
	ctx := withAuth(narrow, tenant.Choice{})
	sink := new(consumertest.MetricsSink)
	p, err := NewFactory().CreateMetrics(ctx, processortest.NewNopSettings(metadata.Type), NewFactory().CreateDefaultConfig(), sink)
	require.NoError(t, err)
	r := receipt.New(pipeline.SignalMetrics)
	require.NoError(t, p.ConsumeMetrics(receipt.NewContext(ctx, r), everyKind(0, 1)))
	require.Empty(t, sink.AllMetrics())
	require.Equal(t, receipt.Counts{Rejected: 10}, r.Counts())
	require.Equal(t, "timestamp is outside of the accepted window", r.Message())

	forged := everyKind(pcommon.NewTimestampFromTime(time.Now()))
	forged.ResourceMetrics().At(0).Resource().Attributes().PutStr(tenant.TenantAttribute, foreign.Tenant.String())
	r = receipt.New(pipeline.SignalMetrics)
	require.NoError(t, p.ConsumeMetrics(receipt.NewContext(ctx, r), forged))
	require.Empty(t, sink.AllMetrics())
	require.Equal(t, receipt.Counts{Rejected: 5}, r.Counts())
}

func TestProcessor_WithoutReceipt(t *testing.T) {
	t.Parallel()
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	sink := new(consumertest.MetricsSink)
	p, err := NewFactory().CreateMetrics(context.Background(), set, NewFactory().CreateDefaultConfig(), sink)
	require.NoError(t, err)
	require.NoError(t, p.ConsumeMetrics(withAuth(narrow, tenant.Choice{}), everyKind(0, pcommon.NewTimestampFromTime(time.Now()))))
	require.Equal(t, 5, sink.DataPointCount())
	require.Error(t, p.ConsumeMetrics(context.Background(), everyKind(0)))
	for _, name := range []string{"rejected_items", "refused_requests"} {
		_, err = telemetry.GetMetric("otelcol_processor_tenant_context_" + name)
		require.NoError(t, err)
	}
}
