package encode_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// appendGenerated adds a generated request of a signal.
func appendGenerated(t testing.TB, encoder *encode.Encoder, g *generator, i int) {
	t.Helper()
	message := []proto.Message{&tracev1.TracesData{}, &logsv1.LogsData{}, &metricsv1.MetricsData{}}[i%3]
	g.fill(message.ProtoReflect(), 0)
	wire, err := proto.Marshal(message)
	require.NoError(t, err)
	switch i % 3 {
	case 0:
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
		require.NoError(t, err)
		require.NoError(t, encoder.AppendTraces(stampTraces(td, owner(i))))
	case 1:
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		require.NoError(t, err)
		for _, rl := range ld.ResourceLogs().All() {
			stamp(rl.Resource(), owner(i))
		}
		require.NoError(t, encoder.AppendLogs(ld))
	default:
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(wire)
		require.NoError(t, err)
		for _, rm := range md.ResourceMetrics().All() {
			stamp(rm.Resource(), owner(i))
		}
		require.NoError(t, encoder.AppendMetrics(md))
	}
}

// The growths of a batch make the very bytes of its blocks, however it was cut.
func TestGrowth_Rebuilt(t *testing.T) {
	t.Parallel()
	g := newGenerator(5, time.Now())
	encoder := newEncoder()
	for batch := range uint64(3) { // the encoder is used again
		encoder.Reset(batch)
		rebuilt := &encode.Rebuilt{}
		for i := range 90 {
			appendGenerated(t, encoder, g, i)
			if g.IntN(3) == 0 || i == 89 {
				require.NoError(t, rebuilt.Absorb(encoder.AppendGrowth(nil)))
			}
		}
		requireSameBlocks(t, encoder.Blocks(), rebuilt.Blocks())
		require.Equal(t, []byte{0}, encoder.AppendGrowth(nil), "nothing has grown since")
	}
}

// Dictionaries grow through the widths of their numbers, and blocks come and go.
func TestGrowth_Dictionaries(t *testing.T) {
	t.Parallel()
	encoder, rebuilt := newEncoder(), &encode.Rebuilt{}
	for i := range 700 {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		stamp(rl.Resource(), tenantA)
		for j := range 100 {
			record := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			record.SetTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(0, 0, -i)))
			record.SetSeverityText(time.Duration(i*100 + j).String())
		}
		require.NoError(t, encoder.AppendLogs(ld))
		require.NoError(t, rebuilt.Absorb(encoder.AppendGrowth(nil)))
	}
	require.Greater(t, len(encoder.Blocks()), 10)
	requireSameBlocks(t, encoder.Blocks(), rebuilt.Blocks())
}

func requireSameBlocks(t *testing.T, want, got []*encode.Block) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, block := range want {
		require.Equal(t, block.Table(), got[i].Table())
		require.Equal(t, block.Rank(), got[i].Rank())
		require.Equal(t, block.Rows(), got[i].Rows())
		require.Equal(t, block.Columns(), got[i].Columns())
		require.Equal(t, block.AppendNative(nil), got[i].AppendNative(nil), block.Table())
	}
}

func FuzzRebuilt(f *testing.F) {
	encoder, g := newEncoder(), newGenerator(6, time.Now())
	var before []byte
	for i := range 6 {
		appendGenerated(f, encoder, g, i)
		growth := encoder.AppendGrowth(nil)
		f.Add(before, growth)
		before = growth
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		rebuilt := &encode.Rebuilt{}
		if rebuilt.Absorb(one) == nil && rebuilt.Absorb(two) == nil {
			for _, block := range rebuilt.Blocks() {
				block.AppendNative(nil)
			}
		}
	})
}
