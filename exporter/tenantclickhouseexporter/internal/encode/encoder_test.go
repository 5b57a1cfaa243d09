package encode_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/testdata"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	workspaceA = "0190f3a1-0000-7000-8000-00000000000a"
	tenantA    = "0190f3a1-0000-7000-8000-0000000000a1"
	tenantB    = "0190f3a1-0000-7000-8000-0000000000b2"
)

func stamp(resource pcommon.Resource, owner string) {
	resource.Attributes().PutStr(tenant.WorkspaceAttribute, workspaceA)
	resource.Attributes().PutStr(tenant.TenantAttribute, owner)
}

func stampTraces(td ptrace.Traces, owner string) ptrace.Traces {
	for _, rs := range td.ResourceSpans().All() {
		stamp(rs.Resource(), owner)
	}
	return td
}

func newEncoder() *encode.Encoder {
	encoder := encode.New(encode.Config{Retention: retention, Seen: encode.NewSeenSeries(1000)})
	encoder.Reset(1)
	return encoder
}

func TestEncoder_AllSignals(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	now := pcommon.NewTimestampFromTime(time.Now())

	traces := stampTraces(testdata.GenerateTraces(100), tenantA)
	for _, span := range traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		span.SetStartTimestamp(now)
		span.SetEndTimestamp(now + 5)
	}
	require.NoError(t, encoder.AppendTraces(traces))

	logs := testdata.GenerateLogs(100)
	for _, rl := range logs.ResourceLogs().All() {
		stamp(rl.Resource(), tenantA)
	}
	require.NoError(t, encoder.AppendLogs(logs))

	metrics := testdata.GenerateMetricsAllTypes()
	for _, rm := range metrics.ResourceMetrics().All() {
		stamp(rm.Resource(), tenantA)
	}
	require.NoError(t, encoder.AppendMetrics(metrics))
	insert(t, conn, encoder)

	require.EqualValues(t, 100, count(t, conn, "SELECT count() FROM spans_v3 WHERE tenant_id = ?", tenantA))
	require.EqualValues(t, 100, count(t, conn, "SELECT count() FROM logs_v3 WHERE tenant_id = ?", tenantA))
	require.EqualValues(t, metrics.DataPointCount(),
		count(t, conn, "SELECT (SELECT count() FROM metrics_v3) + (SELECT count() FROM metric_histograms)"))
	require.EqualValues(t, 100, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
}

func TestEncoder_NoTenant(t *testing.T) {
	t.Parallel()
	encoder := newEncoder()
	t.Run("Traces", func(t *testing.T) {
		td := stampTraces(testdata.GenerateTraces(1), tenantA)
		testdata.GenerateTraces(1).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
		require.ErrorIs(t, encoder.AppendTraces(td), encode.ErrNoTenant)
	})
	t.Run("Logs", func(t *testing.T) {
		require.ErrorIs(t, encoder.AppendLogs(testdata.GenerateLogs(1)), encode.ErrNoTenant)
	})
	t.Run("Metrics", func(t *testing.T) {
		md := testdata.GenerateMetrics(1)
		md.ResourceMetrics().At(0).Resource().Attributes().PutStr(tenant.TenantAttribute, tenantA)
		require.ErrorIs(t, encoder.AppendMetrics(md), encode.ErrNoTenant)
	})
	require.Empty(t, encoder.Blocks(), "nothing of a refused request is added")
}

func TestEncoder_Series(t *testing.T) {
	t.Parallel()
	seen := encode.NewSeenSeries(1000)
	encoder := encode.New(encode.Config{Retention: retention, Seen: seen})
	labels := func(batch uint64, commit bool) int {
		encoder.Reset(batch)
		md := gauge(tenantA, time.Now(), 5)
		require.NoError(t, encoder.AppendMetrics(md))
		rows := 0
		for _, block := range encoder.Blocks() {
			if block.Table() == "metric_series" {
				rows += block.Rows()
			}
		}
		if commit {
			encoder.Commit()
		}
		return rows
	}
	require.Equal(t, 5, labels(1, false), "five series, each once though each has two points")
	require.Equal(t, 5, labels(2, true), "what was not committed is written again")
	require.Zero(t, labels(3, true))
	require.Zero(t, labels(4, false))
	require.Zero(t, labels(5, true), "what was stored stays known, though a batch between was not")
}

// gauge makes two points of each of n series.
func gauge(owner string, at time.Time, n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	stamp(rm.Resource(), owner)
	rm.Resource().Attributes().PutStr("service.name", "shop")
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("queue.length")
	points := metric.SetEmptyGauge().DataPoints()
	for i := range 2 * n {
		point := points.AppendEmpty()
		point.SetTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(i))))
		point.SetIntValue(int64(i))
		point.Attributes().PutInt("queue", int64(i%n))
	}
	return md
}

// Old rows stand in blocks of their own, of so few partitions that ClickHouse
// accepts each.
func TestEncoder_ScatteredDays(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	stamp(rl.Resource(), tenantA)
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range 240 {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(0, 0, -i)))
	}
	require.NoError(t, encoder.AppendLogs(ld))
	blocks := encoder.Blocks()
	require.Len(t, blocks, 6)
	for _, block := range blocks {
		require.LessOrEqual(t, block.Partitions(), 50)
	}
	insert(t, conn, encoder)
	require.EqualValues(t, 240, count(t, conn, "SELECT uniqExact(ingest_id) FROM logs"))
}

func TestEncoder_Extremes(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	stamp(rs.Resource(), tenantB)
	for _, times := range [][2]uint64{{0, 0}, {1<<64 - 1, 0}, {1 << 63, 1<<64 - 1}, {5, 3}} {
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetStartTimestamp(pcommon.Timestamp(times[0]))
		span.SetEndTimestamp(pcommon.Timestamp(times[1]))
	}
	require.NoError(t, encoder.AppendTraces(td))
	insert(t, conn, encoder)
	require.EqualValues(t, 4, count(t, conn, "SELECT count() FROM spans_v3 WHERE tenant_id = ?", tenantB))
	require.EqualValues(t, 2, count(t, conn, "SELECT negative_duration_nano FROM spans_v3 WHERE toUnixTimestamp64Nano(timestamp) = 5"))
}
