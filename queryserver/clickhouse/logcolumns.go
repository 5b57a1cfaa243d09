package clickhouse

import (
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// logColumns are the fields of log records.
func logColumns(r *reading, in queryserver.TimeRange) columns {
	own := attributes{
		values: chsql.SQL("log_attributes"), types: chsql.SQL("log_attribute_types"),
		items: chsql.SQL("arrayMap((k, v) -> concat(k, '=', v), mapKeys(log_attributes), mapValues(log_attributes))"),
	}
	return func(name string) column {
		switch name {
		case "", "body":
			return wordsColumn{textColumn{chsql.SQL("body")}}
		case "service", "service.name":
			return textColumn{chsql.SQL("service_name")}
		case "level", "severity":
			return levelColumn{}
		case "severity_number":
			return numberColumn{name, chsql.SQL("severity_number")}
		case "severity_text":
			return textColumn{chsql.SQL("severity_text")}
		case "trace_id":
			return idColumn{name, chsql.SQL("trace_id"), traceIDBytes}
		case "span_id":
			return idColumn{name, chsql.SQL("span_id"), spanIDBytes}
		case "event_name":
			return textColumn{chsql.SQL("event_name")}
		case "scope.name":
			return textColumn{chsql.SQL("scope_name")}
		case "scope.version":
			return textColumn{chsql.SQL("scope_version")}
		}
		if key, is := strings.CutPrefix(name, "resource."); is {
			return attributeColumn{resourceAttributes(), key}
		}
		if key, is := strings.CutPrefix(name, "attributes."); is {
			return attributeColumn{own, key}
		}
		return itemColumn{attributeColumn{own, name}, attributeColumn{resourceAttributes(), name}, inResource(r, logs(), in)}
	}
}

// Lengths of ids (W3C Trace Context).
const (
	traceIDBytes = 16
	spanIDBytes  = 8
)
