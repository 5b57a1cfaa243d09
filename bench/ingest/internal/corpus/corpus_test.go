package corpus_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
)

const items = 512

func bodies(t *testing.T, signal string) []*corpus.Body {
	t.Helper()
	made, err := corpus.New(corpus.Config{Seed: 1, RequestItems: items, Bodies: 4, Owners: 2, Start: time.Now().Add(-time.Hour)}, signal)
	require.NoError(t, err)
	return made
}

// The items weigh what performance targets are stated for.
func TestNew_Size(t *testing.T) {
	t.Parallel()
	for signal, want := range map[string]int{corpus.Traces: 430, corpus.Logs: 213, corpus.Metrics: 122} {
		for _, body := range bodies(t, signal) {
			require.InEpsilon(t, want, body.Size()/items, 0.1, signal)
		}
	}
}

func TestBody_Next_Traces(t *testing.T) {
	t.Parallel()
	traces, spans := map[pcommon.TraceID]int{}, map[pcommon.SpanID]bool{}
	for _, body := range bodies(t, corpus.Traces) {
		for range 3 {
			now := time.Now()
			request := ptraceotlp.NewExportRequest()
			require.NoError(t, request.UnmarshalProto(body.Next(now)))
			for _, span := range request.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				traces[span.TraceID()]++
				require.False(t, spans[span.SpanID()], "two spans with one id")
				spans[span.SpanID()] = true
				require.Equal(t, 10, span.Attributes().Len())
				path, _ := span.Attributes().Get("url.path")
				require.Regexp(t, `^/api/[a-z-]+/resource-\d+/000\d{5}$`, path.Str())
				require.WithinRange(t, span.StartTimestamp().AsTime(), now.Add(-2*time.Second-time.Microsecond), now.Add(time.Microsecond))
				require.Greater(t, span.EndTimestamp(), span.StartTimestamp())
				if !span.ParentSpanID().IsEmpty() {
					require.True(t, spans[span.ParentSpanID()], "the parent comes before its children")
				}
			}
		}
	}
	require.Len(t, spans, 4*3*items)
	require.Len(t, traces, 4*3*items/8)
}

func TestBody_Next_Logs(t *testing.T) {
	t.Parallel()
	for _, body := range bodies(t, corpus.Logs) {
		now := time.Now()
		request := plogotlp.NewExportRequest()
		require.NoError(t, request.UnmarshalProto(body.Next(now)))
		records := request.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
		require.Equal(t, items, records.Len())
		for _, record := range records.All() {
			require.WithinRange(t, record.Timestamp().AsTime(), now.Add(-2*time.Second-time.Microsecond), now.Add(time.Microsecond))
		}
	}
}

// Each sending is the next reading of the same series.
func TestBody_Next_Metrics(t *testing.T) {
	t.Parallel()
	body := bodies(t, corpus.Metrics)[0]
	var last pcommon.Timestamp
	var counted int64
	for range 3 {
		request := pmetricotlp.NewExportRequest()
		require.NoError(t, request.UnmarshalProto(body.Next(time.Now())))
		require.Equal(t, items, request.Metrics().DataPointCount())
		metrics := request.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
		point := metrics.At(0).Sum().DataPoints().At(5)
		if last != 0 {
			require.EqualValues(t, 15*time.Second, point.Timestamp()-last)
			require.Greater(t, point.IntValue(), counted)
		}
		last, counted = point.Timestamp(), point.IntValue()
		gauge := metrics.At(1).Gauge().DataPoints().At(5)
		require.Equal(t, last, gauge.Timestamp())
		require.Less(t, gauge.DoubleValue(), 2000.0)
	}
}
