package clickhouse

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// recordColumns are all that a row says of a log record, in the order of scanRecord.
func recordColumns() chsql.List {
	return chsql.List{
		chsql.SQL("toUnixTimestamp64Nano(timestamp)"), chsql.SQL("ingest_id"), chsql.SQL("toUnixTimestamp64Nano(time)"), chsql.SQL("toUnixTimestamp64Nano(observed_timestamp)"),
		chsql.SQL("severity_number"), chsql.SQL("severity_text"), chsql.SQL("body"), chsql.SQL("body_type"), chsql.SQL("event_name"),
		idColumn{x: chsql.SQL("trace_id"), bytes: traceIDBytes}.text(), idColumn{x: chsql.SQL("span_id"), bytes: spanIDBytes}.text(), chsql.SQL("flags"),
		pairsOf(chsql.SQL("log_attributes"), chsql.SQL("log_attribute_types")), chsql.SQL("dropped_attributes_count"), chsql.SQL("service_name"),
		pairsOf(chsql.SQL("resource_attributes"), chsql.SQL("resource_attribute_types")), chsql.SQL("resource_dropped_attributes_count"),
		chsql.SQL("resource_entity_refs"), chsql.SQL("resource_schema_url"),
		chsql.SQL("scope_name"), chsql.SQL("scope_version"),
		pairsOf(chsql.SQL("scope_attributes"), chsql.SQL("scope_attribute_types")), chsql.SQL("scope_dropped_attributes_count"), chsql.SQL("scope_schema_url"),
	}
}

func scanRecord(rows driver.Rows, r *queryserver.LogRecord) error {
	var effective, sent, observed int64
	var body, bodyType, entities string
	var own, resource, scope pairs
	if err := rows.Scan(
		&effective, &r.IngestID, &sent, &observed, &r.SeverityNumber, &r.SeverityText, &body, &bodyType, &r.EventName,
		&r.TraceID, &r.SpanID, &r.Flags, &own, &r.DroppedAttributesCount, &r.Service,
		&resource, &r.Resource.DroppedAttributesCount, &entities, &r.Resource.SchemaURL,
		&r.Scope.Name, &r.Scope.Version, &scope, &r.Scope.DroppedAttributesCount, &r.Scope.SchemaURL,
	); err != nil {
		return err
	}
	r.Timestamp, r.Time, r.ObservedTimestamp = time.Unix(0, effective).UTC(), sentTime(sent), sentTime(observed)
	if entities != "" {
		r.Resource.EntityRefs = json.RawMessage(entities)
	}
	var faults [4]error
	r.Body, faults[0] = valueOf(body, bodyType)
	r.Attributes, faults[1] = own.attributes()
	r.Resource.Attributes, faults[2] = resource.attributes()
	r.Scope.Attributes, faults[3] = scope.attributes()
	return errors.Join(faults[:]...)
}

// sentTime is a time of OTLP, of which 0 is none. Those after 2262 are stored as negative
// nanoseconds.
func sentTime(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
