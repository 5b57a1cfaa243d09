package encode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// How a number was sent, as the columns value_type number it.
const (
	valueNone   = 0
	valueDouble = 1
	valueInt    = 2
)

// appendNumber writes a number: an integer exactly, and beside it as the nearest
// double, so that arithmetic needs one column.
func appendNumber(value, integer, kind *fixedColumn, as uint8, double float64, exact int64) {
	if as == valueInt {
		double = float64(exact)
	}
	value.uint64(math.Float64bits(double))
	integer.uint64(uint64(exact))
	kind.uint8(as)
}

// exemplarRows are the columns of the table exemplars.
type exemplarRows struct {
	*Block
	origin                          originColumns
	name                            *lowCardinality
	series, sample, position        *fixedColumn
	timestamp, value, integer, kind *fixedColumn
	traceID, spanID, expires        *fixedColumn
	attributes                      attributeColumns
}

func newExemplarRows() *exemplarRows {
	b := newBlock("exemplars")
	r := &exemplarRows{Block: b}
	r.origin.addOwner(b)
	r.name = b.low("metric_name")
	r.origin.addService(b)
	r.series = b.fixed("series_id", "UInt64")
	r.sample = b.fixed("sample_timestamp", typeTimestamp)
	r.position = b.fixed("position", "UInt32")
	r.timestamp = b.fixed("timestamp", typeTimestamp)
	r.value = b.fixed("value", "Float64")
	r.integer = b.fixed("value_int", "Int64")
	r.kind = b.fixed("value_type", typeValueKind)
	r.traceID = b.fixed("trace_id", "FixedString(16)")
	r.spanID = b.fixed("span_id", "FixedString(8)")
	r.attributes = b.attributes("filtered_attributes", "filtered_attribute_types")
	r.expires = b.fixed("expires_at", typeDate)
	return r
}

func (r *exemplarRows) block() *Block { return r.Block }
func (r *exemplarRows) clear()        { r.reset() }

// appendExemplars writes the exemplars of a data point, and the trace of the first
// one into the data point's own row.
func (e *Encoder) appendExemplars(first *fixedColumn, exemplars pmetric.ExemplarSlice, series, sample uint64, at partition) {
	var trace [16]byte
	if exemplars.Len() > 0 {
		trace = exemplars.At(0).TraceID()
	}
	first.bytes(trace[:])
	for i, exemplar := range exemplars.All() {
		r := e.exemplars.rows(at, e.today)
		r.row(at)
		r.origin.owner(&e.origin)
		r.name.add(e.metric.name)
		r.series.uint64(series)
		r.sample.uint64(sample)
		r.position.uint32(uint32(i))
		r.timestamp.uint64(uint64(exemplar.Timestamp()))
		switch exemplar.ValueType() {
		case pmetric.ExemplarValueTypeInt:
			appendNumber(r.value, r.integer, r.kind, valueInt, 0, exemplar.IntValue())
		case pmetric.ExemplarValueTypeDouble:
			appendNumber(r.value, r.integer, r.kind, valueDouble, exemplar.DoubleValue(), 0)
		default:
			appendNumber(r.value, r.integer, r.kind, valueNone, 0, 0)
		}
		traceID, spanID := exemplar.TraceID(), exemplar.SpanID()
		r.traceID.bytes(traceID[:])
		r.spanID.bytes(spanID[:])
		e.scratch = r.attributes.add(exemplar.FilteredAttributes(), e.scratch)
		r.expires.uint16(at.expires)
	}
}
