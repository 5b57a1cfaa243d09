package encode

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The kinds of metrics, as the column kind numbers them.
const (
	kindGauge                = 1
	kindSum                  = 2
	kindHistogram            = 3
	kindExponentialHistogram = 4
	kindSummary              = 5
)

const typeMetricKind = "Enum8('none' = 0, 'gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5)"

// metricIdentity is what the data points of a metric have in common.
type metricIdentity struct {
	name, unit, description string
	kind                    uint8
	temporality             int32
	monotonic               bool
	metadata                []pair
	fingerprint             uint64 // of the origin and of all above
}

// seriesRows are the columns of the table metric_series.
type seriesRows struct {
	*Block
	origin                 originColumns
	name                   *lowCardinality
	id, day, expires, kind *fixedColumn
	unit                   *lowCardinality
	description            *stringColumn
	temporality, monotonic *fixedColumn
	attributes             attributeColumns
	metadata               pairColumns
}

func newSeriesRows() *seriesRows {
	b := newBlock("metric_series")
	r := &seriesRows{Block: b}
	r.origin.addOwner(b)
	r.name = b.low("metric_name")
	r.id = b.fixed("series_id", "UInt64")
	r.day = b.fixed("day", typeDate)
	r.expires = b.fixed("expires_at", typeDate)
	r.kind = b.fixed("kind", typeMetricKind)
	r.unit = b.low("unit")
	r.description = b.text("description")
	r.temporality = b.fixed("temporality", "Int32")
	r.monotonic = b.fixed("is_monotonic", "Bool")
	r.origin.addService(b)
	r.attributes = b.attributes("attributes", "attribute_types")
	r.metadata = newPairColumns(b, "metadata", "metadata_types")
	r.origin.addSource(b)
	return r
}

func (r *seriesRows) block() *Block { return r.Block }
func (r *seriesRows) clear()        { r.reset(); r.origin.forget() }

// enterMetric reads a metric before its data points.
func (e *Encoder) enterMetric(metric pmetric.Metric, kind uint8, temporality pmetric.AggregationTemporality, monotonic bool) {
	m := &e.metric
	m.name, m.unit, m.description = metric.Name(), metric.Unit(), metric.Description()
	m.kind, m.temporality, m.monotonic = kind, int32(temporality), monotonic
	m.metadata, e.scratch = e.origin.render(m.metadata[:0], metric.Metadata(), e.scratch)

	var metadata uint64
	metadata, e.scratch = hashPairs(m.metadata, e.scratch)
	b := binary.LittleEndian.AppendUint64(e.scratch[:0], e.origin.fingerprint)
	b = binary.LittleEndian.AppendUint64(b, metadata)
	b = binary.LittleEndian.AppendUint32(b, uint32(m.temporality))
	b = append(b, m.kind, asByte(m.monotonic))
	for _, s := range [...]string{m.name, m.unit, m.description} {
		b = appendString(b, s)
	}
	m.fingerprint = xxh3.Hash(b)
	e.scratch = b
}

// seriesOf returns the id of a data point's series, and writes its labels when
// they are not known to be stored.
func (e *Encoder) seriesOf(attributes pcommon.Map, at partition) uint64 {
	b := e.scratch[:0]
	b = append(b, e.origin.scope.Tenant[:]...)
	b = binary.LittleEndian.AppendUint64(b, e.metric.fingerprint)
	for key, value := range attributes.All() {
		from := len(b)
		b = appendLabel(b, key, value)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(b)-from)) // or two lists might give the same bytes
	}
	e.scratch = b
	labels := xxh3.Hash128(b)
	if id, found := e.lately.find(labels, at); found {
		return id
	}
	id := e.identify(attributes)
	key := seriesKey{tenant: e.origin.scope.Tenant, series: id, at: at}
	if _, written := e.pending[key]; !written && !e.seen.has(key) {
		e.pending[key] = struct{}{}
		e.appendSeries(id, attributes, at)
	}
	e.lately.remember(labels, at, id)
	return id
}

// identify makes the id of a series. The order of its attributes does not matter.
func (e *Encoder) identify(attributes pcommon.Map) uint64 {
	var sum uint64
	for key, value := range attributes.All() {
		e.scratch = appendLabel(e.scratch[:0], key, value)
		sum += xxh3.Hash(e.scratch)
	}
	b := binary.LittleEndian.AppendUint64(e.scratch[:0], e.metric.fingerprint)
	b = binary.LittleEndian.AppendUint64(b, sum)
	e.scratch = b
	return xxh3.Hash(b)
}

func appendLabel(dst []byte, key string, value pcommon.Value) []byte {
	dst = appendString(dst, key)
	if value.Type() == pcommon.ValueTypeStr {
		return appendString(dst, value.Str())
	}
	dst = append(dst, byte(value.Type()))
	dst = appendText(dst, value)
	return appendType(dst, value)
}

func (e *Encoder) appendSeries(id uint64, attributes pcommon.Map, at partition) {
	r := e.series.rows(at, e.today)
	r.row(at)
	m := &e.metric
	r.origin.owner(&e.origin)
	r.origin.source(&e.origin)
	r.name.add(m.name)
	r.id.uint64(id)
	r.day.uint16(at.day)
	r.expires.uint16(at.expires + 1) // labels outlive their samples
	r.kind.uint8(m.kind)
	r.unit.add(m.unit)
	r.description.add(m.description)
	r.temporality.uint32(uint32(m.temporality))
	r.monotonic.uint8(asByte(m.monotonic))
	e.scratch = r.attributes.add(attributes, e.scratch)
	r.metadata.learn(m.metadata)
	r.metadata.repeat()
}

func asByte(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
