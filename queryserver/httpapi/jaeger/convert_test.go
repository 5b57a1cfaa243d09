package jaeger

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func attribute(key, kind, text string) queryserver.Attribute {
	return queryserver.Attribute{Key: key, Value: queryserver.Value{Type: kind, JSON: json.RawMessage(text)}}
}

// The shape of Jaeger's own answers (internal/uimodel), which its UI and Grafana's
// pkg/tsdb/jaeger read.
func TestTraceOf(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1767323045000001).UTC()
	got, err := json.Marshal(traceOf(queryserver.Trace{
		TraceID: "0af7651916cd43dd8448eb211c80319c", Truncated: true,
		SpanSet: queryserver.SpanSet{
			Resources: []queryserver.Resource{{Attributes: []queryserver.Attribute{attribute("service.name", "string", `"shop"`), attribute("host.cpus", "int", "2")}}},
			Scopes:    []queryserver.Instrumentation{{Name: "lib", Version: "1"}},
			Spans: []queryserver.Span{{
				TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", ParentSpanID: "00f067aa0ba902b7", Service: "shop", Name: "GET /",
				Kind: queryserver.ServerSpan, Status: queryserver.ErrorStatus, StatusMessage: "no", Start: at, Duration: 1500, Flags: 1,
				Attributes: []queryserver.Attribute{
					attribute("s", "string", `"x"`), attribute("large", "int", "9007199254740992"), attribute("d", "double", `"NaN"`),
					attribute("yes", "bool", "true"), attribute("raw", "bytes", `"AAE="`), attribute("list", "array", `[1,"a"]`), attribute("none", "empty", "null"),
				},
				Events: []queryserver.SpanEvent{{Time: at, Name: "exception", Attributes: []queryserver.Attribute{attribute("exception.type", "string", `"E"`)}}},
				Links:  []queryserver.SpanLink{{TraceID: "ff", SpanID: "ee"}},
			}, {SpanID: "b7ad6b7169203332", Service: "shop", Kind: queryserver.UnspecifiedSpan, Status: queryserver.UnsetStatus, Start: at, Duration: -5}},
		},
	}))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"traceID": "0af7651916cd43dd8448eb211c80319c",
		"processes": {"p1": {"serviceName": "shop", "tags": [{"key": "host.cpus", "type": "int64", "value": 2}]}},
		"warnings": ["The trace has more spans than one answer holds; the earliest are here."],
		"spans": [{
			"traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "b7ad6b7169203331", "flags": 1, "operationName": "GET /", "processID": "p1",
			"references": [{"refType": "CHILD_OF", "traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "00f067aa0ba902b7"}, {"refType": "FOLLOWS_FROM", "traceID": "ff", "spanID": "ee"}],
			"startTime": 1767323045000001, "duration": 1,
			"tags": [
				{"key": "s", "type": "string", "value": "x"}, {"key": "large", "type": "int64", "value": "9007199254740992"}, {"key": "d", "type": "float64", "value": "NaN"},
				{"key": "yes", "type": "bool", "value": true}, {"key": "raw", "type": "binary", "value": "AAE="}, {"key": "list", "type": "string", "value": "[1,\"a\"]"},
				{"key": "none", "type": "string", "value": ""}, {"key": "otel.scope.name", "type": "string", "value": "lib"}, {"key": "otel.scope.version", "type": "string", "value": "1"},
				{"key": "span.kind", "type": "string", "value": "server"}, {"key": "error", "type": "bool", "value": true}, {"key": "otel.status_code", "type": "string", "value": "ERROR"},
				{"key": "otel.status_description", "type": "string", "value": "no"}
			],
			"logs": [{"timestamp": 1767323045000001, "fields": [{"key": "event", "type": "string", "value": "exception"}, {"key": "exception.type", "type": "string", "value": "E"}]}],
			"warnings": null
		}, {
			"traceID": "", "spanID": "b7ad6b7169203332", "operationName": "", "processID": "p1", "references": [], "startTime": 1767323045000001, "duration": 0,
			"tags": [{"key": "otel.scope.name", "type": "string", "value": "lib"}, {"key": "otel.scope.version", "type": "string", "value": "1"}], "logs": [],
			"warnings": ["The span ended before it began; its duration is shown as 0."]
		}]
	}`, string(got))
}
