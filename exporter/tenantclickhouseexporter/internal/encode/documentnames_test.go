package encode_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The data-flow document names the columns that people read. testdata/ holds its
// words; every name in them must be a column of its relation, before any merge.

const (
	documentTrace = "0102030405060708090a0b0c0d0e0f10"
	documentSpan  = "1112131415161718"
)

var documentTraceID = pcommon.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
var documentSpanID = pcommon.SpanID{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18}

// documentNames reads the names under a heading of the extract.
func documentNames(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/data-transformation.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "**"+heading+" Transformation:**")
	require.True(t, found, heading)
	section, _, _ = strings.Cut(section, "**") // up to the next heading
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^ {6}(\w+):`).FindAllStringSubmatch(section, -1) {
		names = append(names, match[1])
	}
	return names
}

// row reads the one row of a relation as text, by column.
func row(t *testing.T, conn clickhouse.Conn, relation string, names []string) map[string]string {
	t.Helper()
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = "toString(" + name + ")"
	}
	var values []string
	query := "SELECT [" + strings.Join(columns, ", ") + "] FROM " + relation + " WHERE tenant_id = '" + tenantA + "'"
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&values), relation)
	byName := make(map[string]string)
	for i, name := range names {
		byName[name] = values[i]
	}
	return byName
}

func TestDocument_Columns(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for table := range targets {
		stopMerges(t, conn, table)
	}
	at := time.Now().UTC().Truncate(time.Second)
	text := at.Format("2006-01-02 15:04:05.000000000")
	encoder := newEncoder()
	require.NoError(t, encoder.AppendTraces(documentSpans(at)))
	require.NoError(t, encoder.AppendLogs(documentLog(at)))
	require.NoError(t, encoder.AppendMetrics(documentSum(at)))
	require.NoError(t, encoder.AppendMetrics(histogramWithExemplar(at)))
	insert(t, conn, encoder)

	t.Run("Metrics", func(t *testing.T) {
		names := documentNames(t, "Metrics")
		require.Len(t, names, 9)
		require.Equal(t, map[string]string{
			"timestamp": text, "metric_name": "requests", "value": "9007199254740992", "temporality": "cumulative",
			"workspace_id": workspaceA, "tenant_id": tenantA, "exemplar_trace_id": documentTrace,
			"resource_attributes": "{'service.name':'shop'}", "attributes": "{'method':'GET'}",
		}, row(t, conn, "metrics_v3", names))
		require.EqualValues(t, 1<<53+1, count(t, conn, "SELECT toUInt64(value_int) FROM metrics_v3 WHERE value_type = 'int'"))

		histogram := row(t, conn, "metric_histograms", names)
		require.Equal(t, "delta", histogram["temporality"])
		require.Equal(t, documentTrace, histogram["exemplar_trace_id"])
		require.Equal(t, "6", histogram["value"])
	})
	t.Run("Logs", func(t *testing.T) {
		names := documentNames(t, "Logs")
		require.Len(t, names, 12)
		require.Equal(t, map[string]string{
			"timestamp": text, "observed_timestamp": text, "severity_text": "WARN", "severity_number": "13", "body": "slow",
			"trace_id": documentTrace, "span_id": documentSpan, "trace_flags": "1", "workspace_id": workspaceA, "tenant_id": tenantA,
			"service_name": "shop", "log_attributes": "{'http.status_code':'200'}",
		}, row(t, conn, "logs_v3", names))
	})
	t.Run("Traces", func(t *testing.T) {
		names := documentNames(t, "Traces")
		require.Len(t, names, 13)
		got := row(t, conn, "spans_v3", names)
		require.Contains(t, got["events"], "cache.miss")
		require.Contains(t, got["links"], documentTrace)
		delete(got, "events")
		delete(got, "links")
		require.Equal(t, map[string]string{
			"timestamp": text, "trace_id": documentTrace, "span_id": documentSpan, "parent_span_id": documentSpan, "span_name": "GET /",
			"span_kind": "CLIENT", "duration_nano": "5", "status_code": "ERROR", "workspace_id": workspaceA, "tenant_id": tenantA,
			"span_attributes": "{'http.method':'GET'}",
		}, got)
	})
}

// Ten samples are ten rows, though the labels of their series stand twenty times
// in parts that have not merged.
func TestDocument_UnmergedSeries(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	stopMerges(t, conn, "metric_series")
	at := time.Now()
	for batch := range 20 { // encoders that do not know of each other
		encoder := newEncoder()
		encoder.Reset(uint64(batch + 1))
		require.NoError(t, encoder.AppendMetrics(documentSum(at)))
		for _, block := range encoder.Blocks() {
			if block.Table() == "metric_series" || batch < 10 && block.Table() == "metric_samples" {
				insertBlock(t, conn, block, strconv.Itoa(batch))
			}
		}
	}
	require.EqualValues(t, 20, count(t, conn, "SELECT count() FROM metric_series"))
	require.EqualValues(t, 10, count(t, conn, "SELECT count() FROM metrics_v3"))
	require.EqualValues(t, 10, count(t, conn, "SELECT countIf(attributes['method'] = 'GET') FROM metrics_v3"))
}

// The document's query runs as it is written, with its parameters as they are typed.
func TestDocument_MetricsQuery(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	at := time.Now().UTC().Truncate(time.Hour)
	encoder := newEncoder()
	require.NoError(t, encoder.AppendMetrics(documentSum(at)))
	require.NoError(t, encoder.AppendMetrics(gauge(tenantB, at, 1)))
	insert(t, conn, encoder)

	query, err := os.ReadFile("testdata/metrics-query.sql")
	require.NoError(t, err)
	const layout = "2006-01-02 15:04:05"
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{
		"workspaceId": workspaceA, "tenantId": tenantA,
		"startTime": at.Add(-time.Hour).Format(layout), "endTime": at.Add(time.Hour).Format(layout),
	}))
	rows, err := conn.Query(ctx, string(query))
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	require.True(t, rows.Next())
	var service, metric string
	var average float64
	var hour time.Time
	require.NoError(t, rows.Scan(&service, &metric, &average, &hour))
	require.Equal(t, []any{"shop", "requests", float64(1 << 53)}, []any{service, metric, average})
	require.True(t, hour.Equal(at))
	require.False(t, rows.Next(), "nothing of another tenant")
	require.NoError(t, rows.Err())
}

func documentSpans(at time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	stamp(rs.Resource(), tenantA)
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(documentTraceID)
	span.SetSpanID(documentSpanID)
	span.SetParentSpanID(documentSpanID)
	span.SetName("GET /")
	span.SetKind(ptrace.SpanKindClient)
	span.Status().SetCode(ptrace.StatusCodeError)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(at) + 5)
	span.Attributes().PutStr("http.method", "GET")
	span.Events().AppendEmpty().SetName("cache.miss")
	link := span.Links().AppendEmpty()
	link.SetTraceID(documentTraceID)
	return td
}

func documentLog(at time.Time) plog.Logs {
	ld := logsAt(at, 1)
	record := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	record.SetObservedTimestamp(pcommon.NewTimestampFromTime(at))
	record.SetSeverityText("WARN")
	record.SetSeverityNumber(plog.SeverityNumberWarn)
	record.Body().SetStr("slow")
	record.SetTraceID(documentTraceID)
	record.SetSpanID(documentSpanID)
	record.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	record.Attributes().PutInt("http.status_code", 200)
	return ld
}

func documentSum(at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	stamp(rm.Resource(), tenantA)
	rm.Resource().Attributes().PutStr("service.name", "shop")
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("requests")
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	point := sum.DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(at))
	point.SetIntValue(1<<53 + 1)
	point.Attributes().PutStr("method", "GET")
	point.Exemplars().AppendEmpty().SetTraceID(documentTraceID)
	return md
}

func histogramWithExemplar(at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	stamp(rm.Resource(), tenantA)
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("latency")
	histogram := metric.SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	point := histogram.DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(at))
	point.SetSum(6)
	point.SetCount(2)
	point.Exemplars().AppendEmpty().SetTraceID(documentTraceID)
	return md
}

// metrics_v3 shows every integer exactly, as whatever double it also stands there.
func TestMetrics_ExactIntegers(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	exact := []int64{0, 1, -1, 1 << 53, 1<<53 + 1, -(1<<53 + 1), 1<<62 + 7, math.MaxInt64, math.MaxInt64 - 512, math.MinInt64, math.MinInt64 + 1}
	encoder := newEncoder()
	for i, n := range exact {
		md := documentSum(time.Now().Add(time.Duration(i) * time.Second))
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).SetIntValue(n)
		require.NoError(t, encoder.AppendMetrics(md))
	}
	insert(t, conn, encoder)
	var shown []int64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT groupArray(value_int) FROM (SELECT value_int FROM metrics_v3 ORDER BY timestamp)").Scan(&shown))
	require.Equal(t, exact, shown)
}
