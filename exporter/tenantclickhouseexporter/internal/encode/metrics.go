package encode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// AppendMetrics adds the data points of a request. On ErrNoTenant nothing was added.
// A metric without data points has no rows.
func (e *Encoder) AppendMetrics(metrics pmetric.Metrics) error {
	for _, resource := range metrics.ResourceMetrics().All() {
		if _, err := stamped(resource.Resource().Attributes()); err != nil {
			return err
		}
	}
	e.setToday()
	for _, resource := range metrics.ResourceMetrics().All() {
		if err := e.enterResource(resource.Resource(), resource.SchemaUrl()); err != nil {
			return err
		}
		for _, scope := range resource.ScopeMetrics().All() {
			e.enterScope(scope.Scope(), scope.SchemaUrl())
			e.scratch = e.origin.setFingerprint(e.scratch)
			for _, metric := range scope.Metrics().All() {
				e.appendMetric(metric)
			}
		}
	}
	return nil
}

func (e *Encoder) appendMetric(metric pmetric.Metric) {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		e.enterMetric(metric, kindGauge, pmetric.AggregationTemporalityUnspecified, false)
		e.appendNumbers(metric.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		sum := metric.Sum()
		e.enterMetric(metric, kindSum, sum.AggregationTemporality(), sum.IsMonotonic())
		e.appendNumbers(sum.DataPoints())
	case pmetric.MetricTypeHistogram:
		histogram := metric.Histogram()
		e.enterMetric(metric, kindHistogram, histogram.AggregationTemporality(), false)
		for _, point := range histogram.DataPoints().All() {
			e.appendHistogram(point)
		}
	case pmetric.MetricTypeExponentialHistogram:
		histogram := metric.ExponentialHistogram()
		e.enterMetric(metric, kindExponentialHistogram, histogram.AggregationTemporality(), false)
		for _, point := range histogram.DataPoints().All() {
			e.appendExponentialHistogram(point)
		}
	case pmetric.MetricTypeSummary:
		e.enterMetric(metric, kindSummary, pmetric.AggregationTemporalityUnspecified, false)
		for _, point := range metric.Summary().DataPoints().All() {
			e.appendSummary(point)
		}
	case pmetric.MetricTypeEmpty: // it has no data points
	}
}

// sampleRows are the columns of the table metric_samples.
type sampleRows struct {
	*Block
	origin                   originColumns
	name                     *lowCardinality
	series, timestamp, start *fixedColumn
	value, residual, kind    *fixedColumn
	flags, exemplar, expires *fixedColumn
}

func newSampleRows() *sampleRows {
	b := newBlock("metric_samples")
	r := &sampleRows{Block: b}
	r.origin.addOwner(b)
	r.name = b.low("metric_name")
	r.origin.addService(b)
	r.series = b.fixed("series_id", "UInt64")
	r.timestamp = b.fixed("timestamp", typeTimestamp)
	r.start = b.fixed("start_timestamp", typeTimestamp)
	r.value = b.fixed("value", "Float64")
	r.residual = b.fixed("value_residual", "Int64")
	r.kind = b.fixed("value_type", typeValueKind)
	r.flags = b.fixed("flags", "UInt32")
	r.exemplar = b.fixed("exemplar_trace_id", "FixedString(16)")
	r.expires = b.fixed("expires_at", typeDate)
	return r
}

func (r *sampleRows) block() *Block { return r.Block }
func (r *sampleRows) clear()        { r.reset() }

func (e *Encoder) appendNumbers(points pmetric.NumberDataPointSlice) {
	for _, point := range points.All() {
		timestamp := uint64(point.Timestamp())
		at := place(timestamp, e.metricClass)
		series := e.seriesOf(point.Attributes(), at)
		r := e.samples.rows(at, e.today)
		r.row(at)
		r.origin.owner(&e.origin)
		r.name.add(e.metric.name)
		r.series.uint64(series)
		r.timestamp.uint64(timestamp)
		r.start.uint64(uint64(point.StartTimestamp()))
		r.number(point)
		r.flags.uint32(uint32(point.Flags()))
		e.appendExemplars(r.exemplar, point.Exemplars(), series, timestamp, at)
		r.expires.uint16(at.expires)
	}
}

// number writes a value. Beside the double nearest to an integer stands what that
// lacks: nothing, but for integers beyond 2^53.
func (r *sampleRows) number(point pmetric.NumberDataPoint) {
	switch point.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		exact := point.IntValue()
		r.value.uint64(math.Float64bits(float64(exact)))
		r.residual.uint64(uint64(exact - truncated(float64(exact))))
		r.kind.uint8(valueInt)
	case pmetric.NumberDataPointValueTypeDouble:
		r.value.uint64(math.Float64bits(point.DoubleValue()))
		r.residual.uint64(0)
		r.kind.uint8(valueDouble)
	default:
		r.value.uint64(0)
		r.residual.uint64(0)
		r.kind.uint8(valueNone)
	}
}

// truncated is an integer's double as an integer. 2^63, to which the largest ones are
// rounded, is taken for -2^63, as metrics_v3 does: the sum with the residual wraps.
func truncated(double float64) int64 {
	if double >= 1<<63 {
		return math.MinInt64
	}
	return int64(double)
}
