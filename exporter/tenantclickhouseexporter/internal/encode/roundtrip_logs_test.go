package encode_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
)

func TestRoundTrip_Logs(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	g := newGenerator(2, time.Now())
	var sent []string
	for i := range requests {
		message := &logsv1.LogsData{}
		g.fill(message.ProtoReflect(), 0)
		wire, err := proto.Marshal(message)
		require.NoError(t, err)
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		require.NoError(t, err)
		for _, rl := range ld.ResourceLogs().All() {
			stamp(rl.Resource(), owner(i))
		}
		require.NoError(t, encoder.AppendLogs(ld))
		for _, item := range split(message.ProtoReflect(), "resource_logs", "scope_logs", "log_records") {
			sent = append(sent, normal(owner(i), item, false))
		}
	}
	insert(t, conn, encoder)
	requireCovered(t, g, &logsv1.LogsData{})

	var stored []string
	for _, row := range read[logRow](t, conn, "logs", logColumns()...) {
		require.Equal(t, workspaceA, row.Workspace)
		switch {
		case row.Time != 0:
			require.Equal(t, row.Time, row.Effective)
		case row.Observed != 0:
			require.Equal(t, row.Observed, row.Effective)
		default:
			require.WithinDuration(t, time.Now(), time.Unix(0, int64(row.Effective)), time.Minute)
		}
		stored = append(stored, normal(row.Tenant, row.message(t), false))
	}
	requireSame(t, sent, stored)
}

// logRow is a row of the table logs.
type logRow struct {
	owned
	sourceRow
	Effective      uint64 `ch:"timestamp_nanos"`
	Time           uint64 `ch:"time_nanos"`
	Observed       uint64 `ch:"observed_timestamp_nanos"`
	TraceID        string `ch:"trace_id"`
	SpanID         string `ch:"span_id"`
	Flags          uint32 `ch:"flags"`
	SeverityNumber int32  `ch:"severity_number"`
	SeverityText   string `ch:"severity_text"`
	EventName      string `ch:"event_name"`
	Body           string `ch:"body"`
	BodyType       string `ch:"body_type"`
	Attributes     pairs  `ch:"log_attributes_pairs"`
	Dropped        uint32 `ch:"dropped_attributes_count"`
}

func logColumns() []string {
	return []string{
		ownerColumns, sourceColumns(), nanos("timestamp", "time", "observed_timestamp"), "trace_id, span_id, flags",
		"severity_number, severity_text, event_name, body, body_type", pairsAs("log_attributes", "log_attribute_types"), "dropped_attributes_count",
	}
}

func (r logRow) message(t *testing.T) *logsv1.LogsData {
	record := &logsv1.LogRecord{
		TimeUnixNano: r.Time, ObservedTimeUnixNano: r.Observed, SeverityNumber: logsv1.SeverityNumber(r.SeverityNumber), SeverityText: r.SeverityText,
		Body: value(t, r.Body, r.BodyType), Attributes: r.Attributes.attributes(t), DroppedAttributesCount: r.Dropped, Flags: r.Flags,
		TraceId: id(r.TraceID), SpanId: id(r.SpanID), EventName: r.EventName,
	}
	return &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{
		Resource: r.resource(t), SchemaUrl: r.ResourceSchema,
		ScopeLogs: []*logsv1.ScopeLogs{{Scope: r.scope(t), SchemaUrl: r.ScopeSchema, LogRecords: []*logsv1.LogRecord{record}}},
	}}}
}
