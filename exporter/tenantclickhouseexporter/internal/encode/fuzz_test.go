package encode_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// FuzzEncoder takes the bytes of a request of each signal, stamps its resources,
// and reads the blocks back with clickhouse-go: as many rows as items, all of the
// stamped tenant, whatever the request says.
func FuzzEncoder(f *testing.F) {
	g := newGenerator(4, time.Now())
	for range 10 {
		for _, message := range []protobuf.Message{&tracev1.TracesData{}, &logsv1.LogsData{}, &metricsv1.MetricsData{}} {
			g.fill(message.ProtoReflect(), 0)
			wire, err := protobuf.Marshal(message)
			require.NoError(f, err)
			f.Add(wire)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		if td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire); err == nil {
			encoder := newEncoder()
			require.NoError(t, encoder.AppendTraces(stampTraces(td, tenantB)))
			requireRows(t, encoder, td.SpanCount(), "spans")
		}
		if ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire); err == nil {
			for _, rl := range ld.ResourceLogs().All() {
				stamp(rl.Resource(), tenantB)
			}
			encoder := newEncoder()
			require.NoError(t, encoder.AppendLogs(ld))
			requireRows(t, encoder, ld.LogRecordCount(), "logs")
		}
		if md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(wire); err == nil {
			for _, rm := range md.ResourceMetrics().All() {
				stamp(rm.Resource(), tenantB)
			}
			encoder := newEncoder()
			require.NoError(t, encoder.AppendMetrics(md))
			requireRows(t, encoder, md.DataPointCount(), "metric_samples", "metric_histogram_samples")
		}
	})
}

// requireRows reads every block, and counts the rows of the tables named.
func requireRows(t *testing.T, encoder *encode.Encoder, items int, tables ...string) {
	t.Helper()
	rows := 0
	for _, block := range encoder.Blocks() {
		reader := bytes.NewReader(block.AppendNative(nil))
		decoded := chproto.NewBlock()
		require.NoError(t, decoded.Decode(proto.NewReader(reader), 0), block.Table())
		require.Zero(t, reader.Len(), "%s: nothing follows the block", block.Table())
		require.Equal(t, block.Rows(), decoded.Rows())
		require.Equal(t, block.Columns(), decoded.ColumnsNames())
		for i := range decoded.Rows() {
			require.Equal(t, workspaceA, fmt.Sprint(decoded.Columns[0].Row(i, false)))
			require.Equal(t, tenantB, fmt.Sprint(decoded.Columns[1].Row(i, false)))
		}
		for _, table := range tables {
			if block.Table() == table {
				rows += block.Rows()
			}
		}
	}
	require.Equal(t, items, rows)
}
