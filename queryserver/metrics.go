package queryserver

import (
	"context"
	"time"
)

// MetricKind is how a metric was sent: gauge, sum, histogram, exponential_histogram or
// summary.
type MetricKind string

// MetricReader is what can be asked about metrics. All of it needs MetricsRead.
type MetricReader interface {
	// MetricNames are the names of metrics, by name and kind, up to Limit and one more, which
	// says that there are more. It counts whole days, those that the range touches.
	MetricNames(ctx context.Context, scope Scope, q MetricList) ([]Metric, error)
	// MetricLabels are the keys of the labels of some series, with how many have them.
	MetricLabels(ctx context.Context, scope Scope, q MetricLabels) (MetricLabelList, error)
	// MetricLabelValues are the values of one label.
	MetricLabelValues(ctx context.Context, scope Scope, q MetricLabels) (MetricLabelList, error)
	// MetricSeries are series by metric and id, up to Limit and one more.
	MetricSeries(ctx context.Context, scope Scope, q MetricSeriesPage) ([]MetricSeries, error)
	// MetricPoints are stored data points, newest first, up to Limit and one more.
	MetricPoints(ctx context.Context, scope Scope, q MetricPage) ([]MetricPoint, error)
	// MetricExemplars are stored exemplars by the time of their data points, newest first,
	// up to Limit and one more.
	MetricExemplars(ctx context.Context, scope Scope, q MetricPage) ([]MetricExemplar, error)
	// QueryMetrics aggregates over time. The query has been prepared.
	QueryMetrics(ctx context.Context, scope Scope, q MetricQuery) (MetricResult, error)
	// ExportMetrics gives all data points as OTLP, in pieces: each a MetricsData in
	// protobuf, and so are all of them one after the other. An error of the function ends
	// it and is returned.
	ExportMetrics(ctx context.Context, scope Scope, q MetricSelector, piece func([]byte) error) error
}

// MetricSelector is which series of which time.
type MetricSelector struct {
	In       TimeRange
	Metrics  []string // any of these names; none: all
	Services []string // any of them; none: all
	Match    []LabelMatch
}

// MetricList asks for names.
type MetricList struct {
	In       TimeRange
	Services []string // any of them; none: all
	Prefix   string   // of the name
	After    *MetricName
	Limit    int
}

// MetricName is a name with its kind, the position in a list.
type MetricName struct {
	Name string
	Kind MetricKind
}

// Metric is a metric that a tenant has.
type Metric struct {
	Name        string     `json:"name"`
	Kind        MetricKind `json:"kind"`
	Unit        string     `json:"unit,omitempty"`
	Description string     `json:"description,omitempty"`
	Services    []string   `json:"services"`  // up to MaxMetricServices
	FirstSeen   time.Time  `json:"firstSeen"` // a day
	LastSeen    time.Time  `json:"lastSeen"`  // a day
}

// MaxMetricServices is how many services are named with a metric.
const MaxMetricServices = 100

// MetricLabels asks for labels of series.
type MetricLabels struct {
	MetricSelector
	Label  Label  // whose values, of MetricLabelValues
	Prefix string // of the key or value
	Limit  int
}

// MetricLabelList is labels or values, the most frequent first.
type MetricLabelList struct {
	Items     []LabelCount `json:"items"`
	Truncated bool         `json:"truncated" doc:"There are more than the limit"`
}

// Cut says whether there is more.
func (l MetricLabelList) Cut() bool { return l.Truncated }

// LabelCount is a label or a value, and how many series have it.
type LabelCount struct {
	Name   string `json:"name"`
	Series uint64 `json:"series"`
}

// MetricSeriesPage asks for a page of series.
type MetricSeriesPage struct {
	MetricSelector
	After *SeriesPosition
	Limit int
}

// SeriesPosition is where a page of series ends.
type SeriesPosition struct {
	Metric string
	Series uint64 `json:",string"`
}

// MetricSeries is the labels of a series and what its metric is.
type MetricSeries struct {
	ID          Count             `json:"id"`
	Metric      string            `json:"metric"`
	Kind        MetricKind        `json:"kind"`
	Unit        string            `json:"unit,omitempty"`
	Description string            `json:"description,omitempty"`
	Temporality string            `json:"temporality,omitempty" doc:"delta or cumulative"`
	Monotonic   bool              `json:"monotonic,omitempty"`
	Service     string            `json:"service,omitempty"`
	Scope       string            `json:"scope,omitempty" doc:"The name of the instrumentation scope"`
	Attributes  map[string]string `json:"attributes"`
	Resource    map[string]string `json:"resource"`
}

// MetricPage asks for a page of points or exemplars.
type MetricPage struct {
	MetricSelector
	After *PointPosition
	Limit int
}

// PointPosition is where a page of points ends. Points of one series and time are told
// apart by a hash; Shown is how many of the same hash, which are equal, have been shown.
type PointPosition struct {
	Nanos  int64  `json:",string"` // of the data point
	Series uint64 `json:",string"`
	Hash   uint64 `json:",string"`
	Shown  int
}

// MetricPoint is a stored data point. Which of the values it has is a matter of its kind.
type MetricPoint struct {
	Time        time.Time             `json:"time"`
	Hash        Count                 `json:"hash" doc:"Tells points of one series and time apart"`
	Start       *time.Time            `json:"startTime,omitempty"`
	Series      MetricSeries          `json:"series"`
	AsInt       *int64                `json:"asInt,string,omitempty" doc:"Of gauges and sums"`
	AsDouble    *Number               `json:"asDouble,omitempty" doc:"Of gauges and sums"`
	Histogram   *HistogramValue       `json:"histogram,omitempty"`
	Exponential *ExponentialHistogram `json:"exponentialHistogram,omitempty"`
	Summary     *SummaryValue         `json:"summary,omitempty"`
	NoValue     bool                  `json:"noRecordedValue,omitempty" doc:"The series has ended or paused"`
	Flags       uint32                `json:"flags,omitempty"`
	TraceID     string                `json:"exemplarTraceId,omitempty" doc:"Of the first exemplar"`
}

// Distribution is what the kinds of histograms have in common.
type Distribution struct {
	Count Count   `json:"count"`
	Sum   *Number `json:"sum,omitempty"`
	Min   *Number `json:"min,omitempty"`
	Max   *Number `json:"max,omitempty"`
}

// HistogramValue has len(ExplicitBounds)+1 buckets, or none.
type HistogramValue struct {
	Distribution
	ExplicitBounds []Number `json:"explicitBounds"`
	BucketCounts   []Count  `json:"bucketCounts"`
}

// ExponentialHistogram is as in OTLP.
type ExponentialHistogram struct {
	Distribution
	Scale         int32              `json:"scale"`
	ZeroCount     Count              `json:"zeroCount"`
	ZeroThreshold Number             `json:"zeroThreshold"`
	Positive      ExponentialBuckets `json:"positive"`
	Negative      ExponentialBuckets `json:"negative"`
}

// ExponentialBuckets are the counts from an index on.
type ExponentialBuckets struct {
	Offset       int32   `json:"offset"`
	BucketCounts []Count `json:"bucketCounts"`
}

// SummaryValue has quantiles that the sender computed.
type SummaryValue struct {
	Count     Count           `json:"count"`
	Sum       Number          `json:"sum"`
	Quantiles []QuantileValue `json:"quantiles"`
}

// QuantileValue is a value at a quantile, from 0 to 1.
type QuantileValue struct {
	Quantile Number `json:"quantile"`
	Value    Number `json:"value"`
}

// MetricExemplar is a stored exemplar.
type MetricExemplar struct {
	Time       time.Time         `json:"time"`
	Hash       Count             `json:"hash" doc:"Tells exemplars of one series and time apart"`
	PointTime  time.Time         `json:"pointTime" doc:"Of the data point that carries it"`
	Series     MetricSeries      `json:"series"`
	AsInt      *int64            `json:"asInt,string,omitempty"`
	AsDouble   *Number           `json:"asDouble,omitempty"`
	TraceID    string            `json:"traceId,omitempty"`
	SpanID     string            `json:"spanId,omitempty"`
	Attributes map[string]string `json:"filteredAttributes"`
}

// Position is where a page that ends with the point ends.
func (p MetricPoint) Position() PointPosition {
	return PointPosition{Nanos: p.Time.UnixNano(), Series: uint64(p.Series.ID), Hash: uint64(p.Hash)}
}

// Position is where a page that ends with the exemplar ends.
func (e MetricExemplar) Position() PointPosition {
	return PointPosition{Nanos: e.PointTime.UnixNano(), Series: uint64(e.Series.ID), Hash: uint64(e.Hash)}
}
