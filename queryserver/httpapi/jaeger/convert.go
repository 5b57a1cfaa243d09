package jaeger

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const microsecond = 1000 // nanoseconds

// traceOf is a trace as Jaeger UI reads it.
func traceOf(from queryserver.Trace) trace {
	t := trace{TraceID: from.TraceID, Spans: make([]span, len(from.Spans)), Processes: make(map[string]process)}
	if from.Truncated {
		t.Warnings = []string{"The trace has more spans than one answer holds; the earliest are here."}
	}
	for i := range from.Spans {
		one := &from.Spans[i]
		id := "p" + strconv.Itoa(one.Resource+1)
		if _, known := t.Processes[id]; !known {
			t.Processes[id] = processOf(one.Service, from.Resources[one.Resource])
		}
		t.Spans[i] = spanOf(one, from.Scopes[one.Scope], id)
	}
	return t
}

func processOf(service string, resource queryserver.Resource) process {
	p := process{ServiceName: service, Tags: []keyValue{}}
	for _, a := range resource.Attributes {
		if a.Key != "service.name" {
			p.Tags = append(p.Tags, tagOf(a))
		}
	}
	return p
}

func spanOf(from *queryserver.Span, scope queryserver.Instrumentation, process string) span {
	s := span{
		TraceID: from.TraceID, SpanID: from.SpanID, Flags: from.Flags, OperationName: from.Name, ProcessID: process,
		StartTime: from.Start.UnixMicro(), Duration: max(0, from.Duration) / microsecond,
		References: []reference{}, Tags: []keyValue{}, Logs: []logEntry{},
	}
	if from.Duration < 0 {
		s.Warnings = append(s.Warnings, "The span ended before it began; its duration is shown as 0.")
	}
	if from.ParentSpanID != "" {
		s.References = append(s.References, reference{"CHILD_OF", from.TraceID, from.ParentSpanID})
	}
	for _, link := range from.Links {
		s.References = append(s.References, reference{"FOLLOWS_FROM", link.TraceID, link.SpanID})
	}
	for _, a := range from.Attributes {
		s.Tags = append(s.Tags, tagOf(a))
	}
	s.Tags = append(s.Tags, ownTags(from, scope)...)
	for _, event := range from.Events {
		entry := logEntry{Timestamp: event.Time.UnixMicro(), Fields: []keyValue{}}
		if event.Name != "" {
			entry.Fields = append(entry.Fields, text("event", event.Name))
		}
		for _, a := range event.Attributes {
			entry.Fields = append(entry.Fields, tagOf(a))
		}
		s.Logs = append(s.Logs, entry)
	}
	return s
}

// ownTags are what OTLP has fields for and Jaeger has tags ("OpenTelemetry to Jaeger
// Transformation" of the OpenTelemetry specification).
func ownTags(from *queryserver.Span, scope queryserver.Instrumentation) []keyValue {
	var tags []keyValue
	add := func(key, value string) {
		if value != "" {
			tags = append(tags, text(key, value))
		}
	}
	add("otel.scope.name", scope.Name)
	add("otel.scope.version", scope.Version)
	add("span.kind", kindText(from.Kind))
	switch from.Status {
	case queryserver.ErrorStatus:
		tags = append(tags, keyValue{"error", "bool", true})
		add("otel.status_code", string(from.Status))
	case queryserver.OKStatus:
		add("otel.status_code", string(from.Status))
	}
	add("otel.status_description", from.StatusMessage)
	add("w3c.tracestate", from.TraceState)
	return tags
}

func text(key, value string) keyValue { return keyValue{key, "string", value} }

// tagOf is an attribute. JSON has no number for some doubles, which are texts then; nested
// values are texts of JSON.
func tagOf(a queryserver.Attribute) keyValue {
	switch a.Type {
	case "string", "bool":
		return keyValue{a.Key, a.Type, a.JSON}
	case "int":
		return keyValue{a.Key, "int64", safe(a.JSON)}
	case "double":
		return keyValue{a.Key, "float64", a.JSON}
	case "bytes":
		return keyValue{a.Key, "binary", a.JSON}
	case "empty":
		return text(a.Key, "")
	default:
		return text(a.Key, string(a.JSON))
	}
}

// safe makes a text of an integer beyond 2^53 - 1, of which JavaScript would make another.
func safe(number json.RawMessage) json.RawMessage {
	const most = 1<<53 - 1
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err == nil && (n > most || n < -most) {
		return json.RawMessage(`"` + strings.Trim(string(number), `"`) + `"`)
	}
	return number
}
