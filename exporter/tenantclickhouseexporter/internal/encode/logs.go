package encode

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// logRows are the columns of the table logs.
type logRows struct {
	*Block
	origin                         originColumns
	timestamp, time, observed      *fixedColumn
	traceID, spanID, flags         *fixedColumn
	severityNumber                 *fixedColumn
	severityText, eventName        *lowCardinality
	body                           *stringColumn
	bodyType                       *lowCardinality
	attributes                     attributeColumns
	droppedAttributes, expires, id *fixedColumn
}

func newLogRows() *logRows {
	b := newBlock("logs")
	r := &logRows{Block: b}
	r.origin.addOwner(b)
	r.timestamp = b.fixed("timestamp", typeTimestamp)
	r.time = b.fixed("time", typeTimestamp)
	r.observed = b.fixed("observed_timestamp", typeTimestamp)
	r.traceID = b.fixed("trace_id", "FixedString(16)")
	r.spanID = b.fixed("span_id", "FixedString(8)")
	r.flags = b.fixed("flags", "UInt32")
	r.severityNumber = b.fixed("severity_number", "Int32")
	r.severityText = b.low("severity_text")
	r.eventName = b.low("event_name")
	r.origin.addService(b)
	r.body = b.text("body")
	r.bodyType = b.low("body_type")
	r.attributes = b.attributes("log_attributes", "log_attribute_types")
	r.droppedAttributes = b.fixed("dropped_attributes_count", "UInt32")
	r.origin.addSource(b)
	r.expires = b.fixed("expires_at", typeDate)
	r.id = b.fixed("ingest_id", "UInt64")
	return r
}

func (r *logRows) block() *Block { return r.Block }
func (r *logRows) clear()        { r.reset(); r.origin.forget() }

// AppendLogs adds the records of a request. On ErrNoTenant nothing was added.
func (e *Encoder) AppendLogs(logs plog.Logs) error {
	for _, resource := range logs.ResourceLogs().All() {
		if _, err := stamped(resource.Resource().Attributes()); err != nil {
			return err
		}
	}
	e.setToday()
	for _, resource := range logs.ResourceLogs().All() {
		if err := e.enterResource(resource.Resource(), resource.SchemaUrl()); err != nil {
			return err
		}
		for _, scope := range resource.ScopeLogs().All() {
			e.enterScope(scope.Scope(), scope.SchemaUrl())
			for _, record := range scope.LogRecords().All() {
				e.appendLog(record)
			}
		}
	}
	return nil
}

func (e *Encoder) appendLog(record plog.LogRecord) {
	effective := e.effectiveTime(record)
	at := place(effective, e.logClass)
	r := e.logs.rows(at, e.today)
	r.row(at)
	r.origin.owner(&e.origin)
	r.origin.source(&e.origin)
	r.timestamp.uint64(effective)
	r.time.uint64(uint64(record.Timestamp()))
	r.observed.uint64(uint64(record.ObservedTimestamp()))
	trace, span := record.TraceID(), record.SpanID()
	r.traceID.bytes(trace[:])
	r.spanID.bytes(span[:])
	r.flags.uint32(uint32(record.Flags()))
	r.severityNumber.uint32(uint32(record.SeverityNumber()))
	r.severityText.add(record.SeverityText())
	r.eventName.add(record.EventName())
	e.appendBody(r, record.Body())
	e.scratch = r.attributes.add(record.Attributes(), e.scratch)
	r.droppedAttributes.uint32(record.DroppedAttributesCount())
	r.expires.uint16(at.expires)
	r.id.uint64(e.nextID())
}

func (e *Encoder) appendBody(r *logRows, body pcommon.Value) {
	if body.Type() == pcommon.ValueTypeStr {
		r.body.add(body.Str())
		r.bodyType.add("")
		return
	}
	e.scratch = appendText(e.scratch[:0], body)
	r.body.addBytes(e.scratch)
	e.scratch = appendType(e.scratch[:0], body)
	r.bodyType.addBytes(e.scratch)
}

// effectiveTime is the record's time, else the time it was observed, else the time
// at which it came here (OpenTelemetry, Logs Data Model, field Timestamp).
func (e *Encoder) effectiveTime(record plog.LogRecord) uint64 {
	if t := record.Timestamp(); t != 0 {
		return uint64(t)
	}
	if t := record.ObservedTimestamp(); t != 0 {
		return uint64(t)
	}
	return uint64(e.received.UnixNano())
}
