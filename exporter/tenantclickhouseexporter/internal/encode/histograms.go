package encode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The bits of the column present: which optional fields were sent.
const (
	presentSum = 1 << iota
	presentMin
	presentMax
)

// histogramRows are the columns of the table metric_histogram_samples.
type histogramRows struct {
	*Block
	origin                          originColumns
	name                            *lowCardinality
	series, timestamp, start, flags *fixedColumn
	count, sum, min, max, present   *fixedColumn
	bounds, buckets                 *arrayColumn[*fixedColumn]
	scale, zeroCount, zeroThreshold *fixedColumn
	positiveOffset, negativeOffset  *fixedColumn
	positive, negative              *arrayColumn[*fixedColumn]
	quantiles, quantileValues       *arrayColumn[*fixedColumn]
	exemplar, expires               *fixedColumn
}

func newHistogramRows() *histogramRows {
	b := newBlock("metric_histogram_samples")
	r := &histogramRows{Block: b}
	r.origin.addOwner(b)
	r.name = b.low("metric_name")
	r.origin.addService(b)
	r.series = b.fixed("series_id", "UInt64")
	r.timestamp = b.fixed("timestamp", typeTimestamp)
	r.start = b.fixed("start_timestamp", typeTimestamp)
	r.flags = b.fixed("flags", "UInt32")
	r.count = b.fixed("count", "UInt64")
	r.sum = b.fixed("sum", "Float64")
	r.min = b.fixed("min", "Float64")
	r.max = b.fixed("max", "Float64")
	r.present = b.fixed("present", "UInt8")
	r.bounds = b.array("explicit_bounds", "Float64")
	r.buckets = b.array("bucket_counts", "UInt64")
	r.scale = b.fixed("scale", "Int32")
	r.zeroCount = b.fixed("zero_count", "UInt64")
	r.zeroThreshold = b.fixed("zero_threshold", "Float64")
	r.positiveOffset = b.fixed("positive_offset", "Int32")
	r.positive = b.array("positive_bucket_counts", "UInt64")
	r.negativeOffset = b.fixed("negative_offset", "Int32")
	r.negative = b.array("negative_bucket_counts", "UInt64")
	r.quantiles = b.array("quantiles", "Float64")
	r.quantileValues = b.array("quantile_values", "Float64")
	r.exemplar = b.fixed("exemplar_trace_id", "FixedString(16)")
	r.expires = b.fixed("expires_at", typeDate)
	return r
}

func (r *histogramRows) block() *Block { return r.Block }
func (r *histogramRows) clear()        { r.reset() }

// distribution is what a row holds of any of the three kinds; a field that a kind
// lacks stays zero.
type distribution struct {
	count                          uint64
	sum, min, max                  float64
	present                        uint8
	scale                          int32
	zeroCount                      uint64
	zeroThreshold                  float64
	positiveOffset, negativeOffset int32
}

// dataPoint is what the data points of the three kinds have in common.
type dataPoint interface {
	Attributes() pcommon.Map
	Timestamp() pcommon.Timestamp
	StartTimestamp() pcommon.Timestamp
	Flags() pmetric.DataPointFlags
}

// appendDistribution writes all but the arrays, and the exemplars. It is generic
// because a data point in an interface would be an allocation each.
func appendDistribution[P dataPoint](e *Encoder, point P, exemplars pmetric.ExemplarSlice, d distribution) *histogramRows {
	timestamp := uint64(point.Timestamp())
	at := place(timestamp, e.metricClass)
	series := e.seriesOf(point.Attributes(), at)
	r := e.histograms.rows(at, e.today)
	r.row(at)
	r.origin.owner(&e.origin)
	r.name.add(e.metric.name)
	r.series.uint64(series)
	r.timestamp.uint64(timestamp)
	r.start.uint64(uint64(point.StartTimestamp()))
	r.flags.uint32(uint32(point.Flags()))
	r.count.uint64(d.count)
	r.sum.uint64(math.Float64bits(d.sum))
	r.min.uint64(math.Float64bits(d.min))
	r.max.uint64(math.Float64bits(d.max))
	r.present.uint8(d.present)
	r.scale.uint32(uint32(d.scale))
	r.zeroCount.uint64(d.zeroCount)
	r.zeroThreshold.uint64(math.Float64bits(d.zeroThreshold))
	r.positiveOffset.uint32(uint32(d.positiveOffset))
	r.negativeOffset.uint32(uint32(d.negativeOffset))
	e.appendExemplars(r.exemplar, exemplars, series, timestamp, at)
	r.expires.uint16(at.expires)
	return r
}

func (e *Encoder) appendHistogram(point pmetric.HistogramDataPoint) {
	d := distribution{count: point.Count()}
	if point.HasSum() {
		d.sum, d.present = point.Sum(), d.present|presentSum
	}
	if point.HasMin() {
		d.min, d.present = point.Min(), d.present|presentMin
	}
	if point.HasMax() {
		d.max, d.present = point.Max(), d.present|presentMax
	}
	r := appendDistribution(e, point, point.Exemplars(), d)
	appendDoubles(r.bounds, point.ExplicitBounds())
	appendCounts(r.buckets, point.BucketCounts())
	r.positive.add(0)
	r.negative.add(0)
	r.quantiles.add(0)
	r.quantileValues.add(0)
}

func (e *Encoder) appendExponentialHistogram(point pmetric.ExponentialHistogramDataPoint) {
	d := distribution{
		count:          point.Count(),
		scale:          point.Scale(),
		zeroCount:      point.ZeroCount(),
		zeroThreshold:  point.ZeroThreshold(),
		positiveOffset: point.Positive().Offset(),
		negativeOffset: point.Negative().Offset(),
	}
	if point.HasSum() {
		d.sum, d.present = point.Sum(), d.present|presentSum
	}
	if point.HasMin() {
		d.min, d.present = point.Min(), d.present|presentMin
	}
	if point.HasMax() {
		d.max, d.present = point.Max(), d.present|presentMax
	}
	r := appendDistribution(e, point, point.Exemplars(), d)
	r.bounds.add(0)
	r.buckets.add(0)
	appendCounts(r.positive, point.Positive().BucketCounts())
	appendCounts(r.negative, point.Negative().BucketCounts())
	r.quantiles.add(0)
	r.quantileValues.add(0)
}

func (e *Encoder) appendSummary(point pmetric.SummaryDataPoint) {
	d := distribution{count: point.Count(), sum: point.Sum(), present: presentSum}
	r := appendDistribution(e, point, pmetric.NewExemplarSlice(), d)
	r.bounds.add(0)
	r.buckets.add(0)
	r.positive.add(0)
	r.negative.add(0)
	quantiles := point.QuantileValues()
	for _, quantile := range quantiles.All() {
		r.quantiles.inner.uint64(math.Float64bits(quantile.Quantile()))
		r.quantileValues.inner.uint64(math.Float64bits(quantile.Value()))
	}
	r.quantiles.add(quantiles.Len())
	r.quantileValues.add(quantiles.Len())
}

func appendDoubles(column *arrayColumn[*fixedColumn], values pcommon.Float64Slice) {
	for _, v := range values.All() {
		column.inner.uint64(math.Float64bits(v))
	}
	column.add(values.Len())
}

func appendCounts(column *arrayColumn[*fixedColumn], values pcommon.UInt64Slice) {
	for _, v := range values.All() {
		column.inner.uint64(v)
	}
	column.add(values.Len())
}
