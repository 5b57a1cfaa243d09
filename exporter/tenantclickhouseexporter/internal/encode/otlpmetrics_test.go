package encode_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// This file makes OTLP of the rows of metrics.

// number is a data point of a gauge or a sum.
func (r seriesRow) number(t *testing.T, row sampleRow, exemplars []*metricsv1.Exemplar) proto.Message {
	point := &metricsv1.NumberDataPoint{
		Attributes: r.Attributes.attributes(t), StartTimeUnixNano: row.Start, TimeUnixNano: row.Time, Flags: row.Flags, Exemplars: exemplars,
	}
	switch row.SentAs {
	case "int":
		require.Equal(t, float64(row.Exact), row.Value, "the nearest double stands beside an integer") //nolint:testifylint // the very same double
		point.Value = &metricsv1.NumberDataPoint_AsInt{AsInt: row.Exact}
	case "double":
		point.Value = &metricsv1.NumberDataPoint_AsDouble{AsDouble: row.Value}
	default:
		require.Equal(t, "none", row.SentAs)
	}
	return r.metric(t, r.Kind, point)
}

// distribution is a data point of the other kinds.
func (r seriesRow) distribution(t *testing.T, row histogramRow, exemplars []*metricsv1.Exemplar) proto.Message {
	attributes := r.Attributes.attributes(t)
	switch r.Kind {
	case "histogram":
		return r.metric(t, r.Kind, &metricsv1.HistogramDataPoint{
			Attributes: attributes, StartTimeUnixNano: row.Start, TimeUnixNano: row.Time, Flags: row.Flags, Exemplars: exemplars,
			Count: row.Count, Sum: row.optional(1, row.Sum), Min: row.optional(2, row.Min), Max: row.optional(4, row.Max),
			BucketCounts: row.Counts, ExplicitBounds: row.Bounds,
		})
	case "exponential_histogram":
		return r.metric(t, r.Kind, &metricsv1.ExponentialHistogramDataPoint{
			Attributes: attributes, StartTimeUnixNano: row.Start, TimeUnixNano: row.Time, Flags: row.Flags, Exemplars: exemplars,
			Count: row.Count, Sum: row.optional(1, row.Sum), Min: row.optional(2, row.Min), Max: row.optional(4, row.Max),
			Scale: row.Scale, ZeroCount: row.ZeroCount, ZeroThreshold: row.ZeroThreshold,
			Positive: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: row.PositiveOffset, BucketCounts: row.Positive},
			Negative: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: row.NegativeOffset, BucketCounts: row.Negative},
		})
	default:
		require.Empty(t, exemplars)
		point := &metricsv1.SummaryDataPoint{
			Attributes: attributes, StartTimeUnixNano: row.Start, TimeUnixNano: row.Time, Flags: row.Flags, Count: row.Count, Sum: row.Sum,
		}
		for i, quantile := range row.Quantiles {
			point.QuantileValues = append(point.QuantileValues, &metricsv1.SummaryDataPoint_ValueAtQuantile{Quantile: quantile, Value: row.QuantileValues[i]})
		}
		return r.metric(t, r.Kind, point)
	}
}

// metric puts a data point into its metric.
func (r seriesRow) metric(t *testing.T, kind string, point proto.Message) proto.Message {
	metric := &metricsv1.Metric{Name: r.Metric, Description: r.Description, Unit: r.Unit, Metadata: r.Metadata.attributes(t)}
	temporality := metricsv1.AggregationTemporality(r.Temporality)
	switch p := point.(type) {
	case *metricsv1.NumberDataPoint:
		if kind == "sum" {
			metric.Data = &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
				DataPoints: []*metricsv1.NumberDataPoint{p}, AggregationTemporality: temporality, IsMonotonic: r.Monotonic,
			}}
		} else {
			metric.Data = &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{p}}}
		}
	case *metricsv1.HistogramDataPoint:
		metric.Data = &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{
			DataPoints: []*metricsv1.HistogramDataPoint{p}, AggregationTemporality: temporality,
		}}
	case *metricsv1.ExponentialHistogramDataPoint:
		metric.Data = &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{
			DataPoints: []*metricsv1.ExponentialHistogramDataPoint{p}, AggregationTemporality: temporality,
		}}
	case *metricsv1.SummaryDataPoint:
		metric.Data = &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{p}}}
	}
	return &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{
		Resource: r.resource(t), SchemaUrl: r.ResourceSchema,
		ScopeMetrics: []*metricsv1.ScopeMetrics{{Scope: r.scope(t), SchemaUrl: r.ScopeSchema, Metrics: []*metricsv1.Metric{metric}}},
	}}}
}
