package contribexporter

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/clickhouseexporter"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/testdata"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// It creates its tables and inserts all three signals, metrics of all five kinds.
func TestContribExporter(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	factory := clickhouseexporter.NewFactory()
	config := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoint": "http://" + database.Addr, "username": database.User, "password": database.Password, "database": database.Database,
		"create_schema": true, "async_insert": false, "sending_queue": map[string]any{"enabled": false},
	}).Unmarshal(config))
	set := exportertest.NewNopSettings(factory.Type())
	host := componenttest.NewNopHost()
	now := pcommon.NewTimestampFromTime(time.Now()) // its tables have an expiry

	traces, err := factory.CreateTraces(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, traces.Start(t.Context(), host))
	td := testdata.GenerateTraces(20)
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		span.SetStartTimestamp(now)
	}
	require.NoError(t, traces.ConsumeTraces(t.Context(), td))
	require.NoError(t, traces.Shutdown(t.Context()))

	logs, err := factory.CreateLogs(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, logs.Start(t.Context(), host))
	ld := testdata.GenerateLogs(20)
	for _, record := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		record.SetTimestamp(now)
	}
	require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
	require.NoError(t, logs.Shutdown(t.Context()))

	metrics, err := factory.CreateMetrics(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, metrics.Start(t.Context(), host))
	md := testdata.GenerateMetricsAllTypes()
	points := map[string]int{}
	for _, metric := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		switch metric.Type().String() {
		case "Gauge":
			for _, p := range metric.Gauge().DataPoints().All() {
				p.SetTimestamp(now)
				points["otel_metrics_gauge"]++
			}
		case "Sum":
			for _, p := range metric.Sum().DataPoints().All() {
				p.SetTimestamp(now)
				points["otel_metrics_sum"]++
			}
		case "Histogram":
			for _, p := range metric.Histogram().DataPoints().All() {
				p.SetTimestamp(now)
				points["otel_metrics_histogram"]++
			}
		case "ExponentialHistogram":
			for _, p := range metric.ExponentialHistogram().DataPoints().All() {
				p.SetTimestamp(now)
				points["otel_metrics_exponential_histogram"]++
			}
		case "Summary":
			for _, p := range metric.Summary().DataPoints().All() {
				p.SetTimestamp(now)
				points["otel_metrics_summary"]++
			}
		}
	}
	require.Len(t, points, 5)
	require.NoError(t, metrics.ConsumeMetrics(t.Context(), md))
	require.NoError(t, metrics.Shutdown(t.Context()))

	points["otel_traces"], points["otel_logs"] = 20, 20
	options, err := clickhouse.ParseDSN(database.URL)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	for table, want := range points {
		var rows uint64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&rows), table)
		require.EqualValues(t, want, rows, table)
	}
}
