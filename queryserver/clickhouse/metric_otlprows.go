package clickhouse

import (
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// otlpSeries is a series as OTLP has it. The keys are equal when the messages are.
type otlpSeries struct {
	id                               uint64
	name, kind, unit, description    string
	temporality                      int32
	monotonic                        bool
	attributes, metadata             []*commonv1.KeyValue
	source                           otlpSource
	resource                         *resourcev1.Resource
	scope                            *commonv1.InstrumentationScope
	resourceKey, scopeKey, metricKey string
}

func (r *reading) exportSeries(q queryserver.MetricSelector, ids []uint64) (chsql.Select, error) {
	query, err := r.seriesOf(queryserver.MetricSelector{In: q.In, Metrics: q.Metrics, Services: q.Services})
	query.Where = append(query.Where, chsql.SQL("series_id IN ?", chsql.UInt64s(ids)))
	query.Columns = append(chsql.List{
		chsql.SQL("series_id"), chsql.SQL("metric_name"), chsql.SQL("toString(kind)"), chsql.SQL("unit"), chsql.SQL("description"), chsql.SQL("temporality"), chsql.SQL("is_monotonic"),
		keyValues(chsql.SQL("attributes"), chsql.SQL("attribute_types")), keyValues(chsql.SQL("metadata"), chsql.SQL("metadata_types")),
	}, otlpSourceColumns()...)
	query.LimitBy = chsql.SQL("1 BY series_id")
	return query, err
}

func scanOTLPSeries(rows driver.Rows) (*otlpSeries, error) {
	s := &otlpSeries{}
	var attributes, metadata [][]string
	err := rows.Scan(append([]any{&s.id, &s.name, &s.kind, &s.unit, &s.description, &s.temporality, &s.monotonic, &attributes, &metadata}, s.source.into()...)...)
	if err != nil {
		return nil, err
	}
	if s.attributes, err = otlpAttributes(attributes); err != nil {
		return nil, err
	}
	if s.metadata, err = otlpAttributes(metadata); err != nil {
		return nil, err
	}
	if s.resource, err = s.source.otlpResource(); err != nil {
		return nil, err
	}
	if s.scope, err = s.source.otlpScope(); err != nil {
		return nil, err
	}
	return s, s.setKeys()
}

func (s *otlpSeries) setKeys() error {
	key := func(before string, messages ...proto.Message) (string, error) {
		text := []byte(before)
		for _, message := range messages {
			written, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
			if err != nil {
				return "", fmt.Errorf("write the key of a series: %w", err)
			}
			text = fmt.Appendf(text, "%d ", len(written))
			text = append(text, written...)
		}
		return string(text), nil
	}
	var err error
	if s.resourceKey, err = key(fmt.Sprintf("%q", s.source.resourceSchema), s.resource); err != nil {
		return err
	}
	if s.scopeKey, err = key(fmt.Sprintf("%q%q", s.resourceKey, s.source.scopeSchema), s.scope); err != nil {
		return err
	}
	s.metricKey, err = key(fmt.Sprintf("%q%s%d%t", s.scopeKey, s.kind, s.temporality, s.monotonic),
		&metricsv1.Metric{Name: s.name, Unit: s.unit, Description: s.description, Metadata: s.metadata})
	return err
}

// otlpMetrics groups data points by resource, scope and metric.
type otlpMetrics struct {
	message   metricsv1.MetricsData
	resources map[string]*metricsv1.ResourceMetrics
	scopes    map[string]*metricsv1.ScopeMetrics
	metrics   map[string]*metricsv1.Metric
}

func (m *otlpMetrics) add(s *otlpSeries, p *exported) error {
	metric := m.metrics[s.metricKey]
	if metric == nil {
		metric = &metricsv1.Metric{Name: s.name, Unit: s.unit, Description: s.description, Metadata: s.metadata}
		if err := s.begin(metric); err != nil {
			return err
		}
		scope := m.scopeOf(s)
		scope.Metrics = append(scope.Metrics, metric)
		m.metrics[s.metricKey] = metric
	}
	return s.append(metric, p)
}

func (m *otlpMetrics) scopeOf(s *otlpSeries) *metricsv1.ScopeMetrics {
	if m.resources == nil {
		m.resources, m.scopes, m.metrics = make(map[string]*metricsv1.ResourceMetrics), make(map[string]*metricsv1.ScopeMetrics), make(map[string]*metricsv1.Metric)
	}
	scope := m.scopes[s.scopeKey]
	if scope != nil {
		return scope
	}
	resource := m.resources[s.resourceKey]
	if resource == nil {
		resource = &metricsv1.ResourceMetrics{Resource: s.resource, SchemaUrl: s.source.resourceSchema}
		m.resources[s.resourceKey] = resource
		m.message.ResourceMetrics = append(m.message.ResourceMetrics, resource)
	}
	scope = &metricsv1.ScopeMetrics{Scope: s.scope, SchemaUrl: s.source.scopeSchema}
	resource.ScopeMetrics = append(resource.ScopeMetrics, scope)
	m.scopes[s.scopeKey] = scope
	return scope
}

// begin gives a metric its kind.
func (s *otlpSeries) begin(metric *metricsv1.Metric) error {
	temporality := metricsv1.AggregationTemporality(s.temporality)
	switch s.kind {
	case "gauge":
		metric.Data = &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{}}
	case "sum":
		metric.Data = &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{AggregationTemporality: temporality, IsMonotonic: s.monotonic}}
	case string(kindHistogram):
		metric.Data = &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{AggregationTemporality: temporality}}
	case string(kindExponential):
		metric.Data = &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{AggregationTemporality: temporality}}
	case string(kindSummary):
		metric.Data = &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{}}
	default:
		return fmt.Errorf("a stored metric is of the unknown kind %q", s.kind)
	}
	return nil
}

// append adds a data point to a metric of its kind.
func (s *otlpSeries) append(metric *metricsv1.Metric, p *exported) error {
	numbered, isNumber := p.distribution == nil, false
	switch data := metric.Data.(type) {
	case *metricsv1.Metric_Gauge:
		data.Gauge.DataPoints, isNumber = append(data.Gauge.DataPoints, s.number(p)), true
	case *metricsv1.Metric_Sum:
		data.Sum.DataPoints, isNumber = append(data.Sum.DataPoints, s.number(p)), true
	}
	if numbered != isNumber {
		return fmt.Errorf("a stored data point is not of the kind %q of its series", s.kind)
	}
	switch data := metric.Data.(type) {
	case *metricsv1.Metric_Histogram:
		data.Histogram.DataPoints = append(data.Histogram.DataPoints, s.histogram(p))
	case *metricsv1.Metric_ExponentialHistogram:
		data.ExponentialHistogram.DataPoints = append(data.ExponentialHistogram.DataPoints, s.exponential(p))
	case *metricsv1.Metric_Summary:
		data.Summary.DataPoints = append(data.Summary.DataPoints, s.summary(p))
	}
	return nil
}

func (s *otlpSeries) number(p *exported) *metricsv1.NumberDataPoint {
	point := &metricsv1.NumberDataPoint{Attributes: s.attributes, StartTimeUnixNano: p.start, TimeUnixNano: p.nanos, Flags: p.flags, Exemplars: p.exemplars}
	switch p.kind {
	case "int":
		point.Value = &metricsv1.NumberDataPoint_AsInt{AsInt: p.exact}
	case "double":
		point.Value = &metricsv1.NumberDataPoint_AsDouble{AsDouble: p.value}
	}
	return point
}

func (s *otlpSeries) histogram(p *exported) *metricsv1.HistogramDataPoint {
	d := p.distribution
	return &metricsv1.HistogramDataPoint{
		Attributes: s.attributes, StartTimeUnixNano: p.start, TimeUnixNano: p.nanos, Flags: p.flags, Exemplars: p.exemplars,
		Count: d.count, Sum: d.optional(presentSum, d.sum), Min: d.optional(presentMin, d.min), Max: d.optional(presentMax, d.max),
		BucketCounts: d.buckets, ExplicitBounds: d.bounds,
	}
}

func (s *otlpSeries) exponential(p *exported) *metricsv1.ExponentialHistogramDataPoint {
	d := p.distribution
	return &metricsv1.ExponentialHistogramDataPoint{
		Attributes: s.attributes, StartTimeUnixNano: p.start, TimeUnixNano: p.nanos, Flags: p.flags, Exemplars: p.exemplars,
		Count: d.count, Sum: d.optional(presentSum, d.sum), Min: d.optional(presentMin, d.min), Max: d.optional(presentMax, d.max),
		Scale: d.scale, ZeroCount: d.zeroCount, ZeroThreshold: d.zeroThreshold,
		Positive: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: d.positiveOffset, BucketCounts: d.positive},
		Negative: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: d.negativeOffset, BucketCounts: d.negative},
	}
}

func (s *otlpSeries) summary(p *exported) *metricsv1.SummaryDataPoint {
	d := p.distribution
	point := &metricsv1.SummaryDataPoint{Attributes: s.attributes, StartTimeUnixNano: p.start, TimeUnixNano: p.nanos, Flags: p.flags, Count: d.count, Sum: d.sum}
	for i, quantile := range d.quantiles {
		point.QuantileValues = append(point.QuantileValues, &metricsv1.SummaryDataPoint_ValueAtQuantile{Quantile: quantile, Value: d.values[i]})
	}
	return point
}

// exportExemplars are those of the data points of a page.
func (r *reading) exportExemplars(q queryserver.MetricSelector, page []exported) (chsql.Select, error) {
	first, last := page[0].exportKey, page[len(page)-1].exportKey
	query, err := r.points(exemplars(), queryserver.MetricSelector{In: q.In, Metrics: q.Metrics, Services: q.Services})
	if err != nil {
		return query, err
	}
	bound := func(k exportKey) chsql.Expr {
		return chsql.SQL("(?, ?, ?)", chsql.String(k.metric), chsql.UInt64(k.series), chsql.Time(unixNano(k.nanos)))
	}
	query.Columns = chsql.List{
		chsql.SQL("metric_name"), chsql.SQL("series_id"), sentNanos(chsql.SQL("sample_timestamp")), sentNanos(chsql.SQL("timestamp")),
		chsql.SQL("value"), chsql.SQL("value_int"), chsql.SQL("toString(value_type)"), chsql.SQL("trace_id"), chsql.SQL("span_id"),
		keyValues(chsql.SQL("filtered_attributes"), chsql.SQL("filtered_attribute_types")),
	}
	query.Where = append(query.Where, chsql.SQL("sample_timestamp >= ? AND sample_timestamp < ?", chsql.Time(q.In.From), chsql.Time(q.In.To)),
		chsql.SQL("metric_name >= ? AND metric_name <= ?", chsql.String(first.metric), chsql.String(last.metric)),
		chsql.SQL("(metric_name, series_id, sample_timestamp) >= ?", bound(first)), chsql.SQL("(metric_name, series_id, sample_timestamp) <= ?", bound(last)))
	query.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("sample_timestamp"), chsql.SQL("position")}
	return query, nil
}

func scanOTLPExemplar(rows driver.Rows) (exportKey, *metricsv1.Exemplar, error) {
	var key exportKey
	var value float64
	var exact int64
	var kind, trace, span string
	var attributes [][]string
	exemplar := &metricsv1.Exemplar{}
	if err := rows.Scan(&key.metric, &key.series, &key.nanos, &exemplar.TimeUnixNano, &value, &exact, &kind, &trace, &span, &attributes); err != nil {
		return key, nil, err
	}
	var err error
	exemplar.TraceId, exemplar.SpanId = otlpID(trace), otlpID(span)
	exemplar.FilteredAttributes, err = otlpAttributes(attributes)
	switch kind {
	case "int":
		exemplar.Value = &metricsv1.Exemplar_AsInt{AsInt: exact}
	case "double":
		exemplar.Value = &metricsv1.Exemplar_AsDouble{AsDouble: value}
	}
	return key, exemplar, err
}

func unixNano(nanos uint64) time.Time { return time.Unix(0, int64(nanos)).UTC() }
