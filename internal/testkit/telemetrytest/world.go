package telemetrytest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// World is a database with the tables, an exporter before it, and two tenants.
type World struct {
	Database *testkit.ClickHouseDatabase
	Tenant   tenant.Scope
	Other    tenant.Scope // another tenant of the same workspace

	traces  exporter.Traces
	logs    exporter.Logs
	metrics exporter.Metrics
}

// New makes a world that ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	return On(t, testkit.ClickHouse(t))
}

// On makes one in a database that has no tables yet.
func On(t testing.TB, database *testkit.ClickHouseDatabase) *World {
	t.Helper()
	schema, err := migrate.OpenClickHouse(context.Background(), database.URL, migrate.Cluster{})
	require.NoError(t, err)
	_, err = schema.Up(context.Background())
	require.NoError(t, err)
	require.NoError(t, schema.Close())
	w := &World{Database: database}
	w.Tenant = tenant.Scope{Workspace: tenant.ID{0xa0}, Tenant: tenant.ID{0xa1}}
	w.Other = tenant.Scope{Workspace: tenant.ID{0xa0}, Tenant: tenant.ID{0xb2}}
	w.start(t)
	return w
}

func (w *World) start(t testing.TB) {
	t.Helper()
	factory := tenantclickhouseexporter.NewFactory()
	config := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoint": configopaque.String(w.Database.URL), "ack": "stored", "num_consumers": 1,
	}).Unmarshal(config))
	settings := exportertest.NewNopSettings(factory.Type())
	var err error
	w.traces, err = factory.CreateTraces(context.Background(), settings, config)
	begin(t, w.traces, err)
	w.logs, err = factory.CreateLogs(context.Background(), settings, config)
	begin(t, w.logs, err)
	w.metrics, err = factory.CreateMetrics(context.Background(), settings, config)
	begin(t, w.metrics, err)
}

func begin(t testing.TB, made component.Component, err error) {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, made.Shutdown(ctx))
	})
}

// Traces stores spans of a tenant. They can be read when it returns.
func (w *World) Traces(t testing.TB, of tenant.Scope, td ptrace.Traces) {
	t.Helper()
	for _, r := range td.ResourceSpans().All() {
		stamp(of, r.Resource())
	}
	require.NoError(t, w.traces.ConsumeTraces(context.Background(), td))
}

// Logs stores log records of a tenant.
func (w *World) Logs(t testing.TB, of tenant.Scope, ld plog.Logs) {
	t.Helper()
	for _, r := range ld.ResourceLogs().All() {
		stamp(of, r.Resource())
	}
	require.NoError(t, w.logs.ConsumeLogs(context.Background(), ld))
}

// Metrics stores data points of a tenant.
func (w *World) Metrics(t testing.TB, of tenant.Scope, md pmetric.Metrics) {
	t.Helper()
	for _, r := range md.ResourceMetrics().All() {
		stamp(of, r.Resource())
	}
	require.NoError(t, w.metrics.ConsumeMetrics(context.Background(), md))
}

// stamp is what the processor tenant_context does.
func stamp(of tenant.Scope, resource pcommon.Resource) {
	resource.Attributes().PutStr(tenant.WorkspaceAttribute, of.Workspace.String())
	resource.Attributes().PutStr(tenant.TenantAttribute, of.Tenant.String())
}
