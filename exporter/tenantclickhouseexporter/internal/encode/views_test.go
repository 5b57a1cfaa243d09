package encode_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// insertOnce stores the blocks as the exporter does: one INSERT is one block, and
// its token makes a repetition known.
func insertOnce(t *testing.T, conn driver.Conn, encoder *encode.Encoder, token string) {
	t.Helper()
	for _, block := range encoder.Blocks() {
		insertBlock(t, conn, block, token)
	}
}

func insertBlock(t *testing.T, conn driver.Conn, block *encode.Block, token string) {
	t.Helper()
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{
		"async_insert": 0, "max_insert_threads": 1,
		"max_insert_block_size": encode.MaxRows, "min_insert_block_size_rows": encode.MaxRows, "min_insert_block_size_bytes": 1 << 30,
		"insert_deduplicate": 1, "deduplicate_blocks_in_dependent_materialized_views": 1,
		"insert_deduplication_token": token + "/" + block.Table(),
	}))
	statement := "INSERT INTO " + block.Table() + " (" + strings.Join(block.Columns(), ", ") + ")"
	require.NoError(t, conn.InsertFormat(ctx, "Native", statement, bytes.NewReader(block.AppendNative(nil))), block.Table())
}

// spansOf makes spans of one service: each trace has a root and its children.
func spansOf(service string, traces, perTrace int, at time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	stamp(rs.Resource(), tenantA)
	rs.Resource().Attributes().PutStr("service.name", service)
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range traces {
		for j := range perTrace {
			span := spans.AppendEmpty()
			span.SetTraceID(pcommon.TraceID{1, byte(i >> 8), byte(i)})
			span.SetSpanID(pcommon.SpanID{2, byte(i >> 8), byte(i), byte(j >> 8), byte(j)})
			span.SetName(fmt.Sprintf("child %d", j))
			if j == 0 {
				span.SetName("root")
			} else {
				span.SetParentSpanID(pcommon.SpanID{2, byte(i >> 8), byte(i)})
			}
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(j) * time.Millisecond)))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(j+1) * time.Millisecond)))
			if j == 1 {
				span.Status().SetCode(ptrace.StatusCodeError)
			}
		}
	}
	return td
}

func TestViews_Traces(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	stopMerges(t, conn, "traces")
	encoder := newEncoder()
	now := time.Now().Truncate(time.Second)
	for batch := range 3 { // the spans of a trace come in several inserts
		encoder.Reset(uint64(batch + 1))
		require.NoError(t, encoder.AppendTraces(spansOf("shop", 10, 4, now.Add(time.Duration(batch)*time.Second))))
		insert(t, conn, encoder)
	}
	require.EqualValues(t, 10, count(t, conn, "SELECT count() FROM traces_v3"))
	require.EqualValues(t, 10, count(t, conn, "SELECT uniqExact(trace_id) FROM traces_v3"))
	require.EqualValues(t, 120, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.Equal(t, count(t, conn, "SELECT count() FROM spans_v3"), count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.EqualValues(t, 10, count(t, conn, `SELECT count() FROM traces_v3 WHERE service_name = 'shop' AND span_name = 'root' AND services = ['shop']
		AND error_count = 3 AND duration_nano = 2004000000`))
}

func TestViews_Lists(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	encoder := newEncoder()
	now := time.Now()
	require.NoError(t, encoder.AppendTraces(spansOf("shop", 3, 2, now)))
	require.NoError(t, encoder.AppendMetrics(gauge(tenantA, now, 5)))
	require.NoError(t, encoder.AppendMetrics(gauge(tenantB, now, 5)))
	insert(t, conn, encoder)

	require.EqualValues(t, 6, count(t, conn, "SELECT toUInt64(sum(item_count)) FROM mv_service_list WHERE tenant_id = ? AND signal = 'traces'", tenantA))
	require.EqualValues(t, 10, count(t, conn, "SELECT toUInt64(sum(item_count)) FROM mv_service_list WHERE tenant_id = ? AND signal = 'metrics'", tenantA))
	require.Zero(t, count(t, conn, "SELECT count() FROM mv_service_list WHERE tenant_id = ? AND signal = 'traces'", tenantB))
	require.EqualValues(t, 1, count(t, conn, `SELECT count() FROM mv_metric_list WHERE tenant_id = ? AND metric_name = 'queue.length'
		AND service_name = 'shop' AND kind = 'gauge' AND last_seen = toDate(now('UTC'))`, tenantA))
}

// targets are the tables that a repeated insert must leave as they are, with what
// the rows of each add up to.
var targets = map[string]string{
	"logs": "count()", "spans": "count()", "traces": "sum(span_count)", "metric_samples": "count()", "metric_histogram_samples": "count()",
	"metric_series": "count()", "exemplars": "count()", "service_activity": "sum(item_count)", "metric_activity": "count()",
}

func TestInsert_Repeated(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for table := range targets {
		stopMerges(t, conn, table)
	}
	encoder := newEncoder()
	now := time.Now()
	require.NoError(t, encoder.AppendTraces(spansOf("shop", 20, 3, now)))
	require.NoError(t, encoder.AppendLogs(logsAt(now, 50)))
	require.NoError(t, encoder.AppendMetrics(gauge(tenantA, now, 5)))
	require.NoError(t, encoder.AppendMetrics(histogramWithExemplar(now)))

	sums := func() map[string]uint64 {
		totals := make(map[string]uint64)
		for table, sum := range targets {
			totals[table] = count(t, conn, "SELECT toUInt64("+sum+") FROM "+table)
		}
		return totals
	}
	insertOnce(t, conn, encoder, "one")
	first := sums()
	for table, total := range first {
		require.Positive(t, total, table)
	}
	insertOnce(t, conn, encoder, "one")
	require.Equal(t, first, sums(), "the same token stores once, behind the views too")
	insertOnce(t, conn, encoder, "two")
	for table, total := range sums() {
		require.Equal(t, 2*first[table], total, "%s: another token stores again", table)
	}
}

func TestInsert_OnePartPerPartition(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	stopMerges(t, conn, "logs")
	encoder := newEncoder()
	now := time.Now()
	for days := range 2 {
		require.NoError(t, encoder.AppendLogs(logsAt(now.AddDate(0, 0, -days), 30_000)))
	}
	require.Len(t, encoder.Blocks(), 1)
	require.Equal(t, 60_000, encoder.Blocks()[0].Rows())
	insertOnce(t, conn, encoder, "one")
	parts := func(what string) uint64 {
		return count(t, conn, "SELECT "+what+" FROM system.parts WHERE database = currentDatabase() AND table = 'logs' AND active")
	}
	require.EqualValues(t, 60_000, parts("sum(rows)"))
	require.EqualValues(t, 2, parts("uniqExact(partition)"))
	require.EqualValues(t, 2, parts("count()"))
	require.Equal(t, 2, encoder.Blocks()[0].Partitions())
}

func stopMerges(t *testing.T, conn driver.Conn, table string) {
	t.Helper()
	require.NoError(t, conn.Exec(t.Context(), "SYSTEM STOP MERGES "+table))
}

func logsAt(at time.Time, n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	stamp(rl.Resource(), tenantA)
	rl.Resource().Attributes().PutStr("service.name", "shop")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(at))
		record.Body().SetStr(fmt.Sprintf("line %d", i))
	}
	return ld
}
