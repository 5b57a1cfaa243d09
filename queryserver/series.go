package queryserver

import (
	"context"
	"time"
)

// SeriesKind is the kind of a metric's data points, as OTLP has them.
type SeriesKind string

// The kinds.
const (
	GaugeSeries       SeriesKind = "gauge"
	SumSeries         SeriesKind = "sum"
	HistogramSeries   SeriesKind = "histogram" // with explicit bounds
	ExponentialSeries SeriesKind = "exponential_histogram"
	SummarySeries     SeriesKind = "summary"
)

// SeriesFamily is what all series of a metric have in common. One name may have several:
// who sends decides about unit and kind.
type SeriesFamily struct {
	Name      string
	Kind      SeriesKind
	Unit      string // UCUM, as sent
	Delta     bool   // of a sum or histogram: each point is what came since the one before
	Monotonic bool   // of a sum
}

// DescribedFamily is a family with the newest of its descriptions.
type DescribedFamily struct {
	SeriesFamily
	Description string
}

// StoredSeries is one series of a family. Values of attributes are text, as storage writes
// them.
type StoredSeries struct {
	SeriesFamily
	ID         uint64 // of the tenant
	Attributes map[string]string
	Resource   map[string]string
}

// SeriesText is a text of a series that a condition looks at.
type SeriesText struct {
	Resource bool   // of the attributes of the resource, not of the data points
	Key      string // of the attribute. A series that lacks it has the empty text
	// KeyLike instead of Key means all attributes whose whole key an RE2 matches. The
	// condition holds when it does for any of them, or when there are several.
	KeyLike string
}

// SeriesCondition restricts series by a text of theirs. It holds when it does for any of
// the texts.
type SeriesCondition struct {
	Texts []SeriesText
	In    []string // the text is one of these, or
	Like  string   // an RE2 matches the whole text
	Not   bool     // the opposite
}

// SeriesQuestion asks for series of some metrics that had samples on the days of a range.
type SeriesQuestion struct {
	In         TimeRange
	Metrics    []string // names as sent; nil is all
	Conditions []SeriesCondition
	Limit      int // of the series; one more says that there are more
}

// PointsQuestion asks for the points of series in a range.
type PointsQuestion struct {
	In      TimeRange
	Metrics []string
	Series  []uint64
	Limit   int // of the points; one more says that there are more
}

// Point is a data point of a gauge or a sum. A point that says that there is no value
// (OTLP's no-recorded-value flag) is Missing.
type Point struct {
	Series      uint64
	Time, Start int64 // ms since 1970; Start 0 is unknown
	Value       float64
	Missing     bool
}

// HistogramPoint is a data point of a histogram of either kind, or of a summary.
type HistogramPoint struct {
	Series      uint64
	Time, Start int64
	Missing     bool
	Count       uint64
	Sum         float64
	HasSum      bool
	// Of explicit bounds; Counts has one more than Bounds, or none.
	Bounds []float64
	Counts []uint64
	// Of exponential histograms.
	Scale                          int32
	ZeroCount                      uint64
	ZeroThreshold                  float64
	PositiveOffset, NegativeOffset int32
	Positive, Negative             []uint64
	// Of summaries.
	Quantiles, QuantileValues []float64
}

// HistogramParts are the columns of histogram points that somebody needs. Time and Missing
// always come.
type HistogramParts struct{ Totals, Explicit, Exponential, Quantiles bool }

// ExemplarPoint is an exemplar of a point of a series.
type ExemplarPoint struct {
	Series          uint64
	Time            int64 // ms
	Value           float64
	TraceID, SpanID string // lower hex, empty for none
	Attributes      map[string]string
}

// SeriesSeen is when a series had points: the last of each interval.
type SeriesSeen struct {
	Series uint64
	Time   int64 // ms
}

// Grid is evenly spaced times: From, From+Step, … of which there are Steps.
type Grid struct {
	From, Step int64 // ms
	Steps      int
}

// GridQuestion asks for a function over the window before each time of a grid, and for an
// aggregation of the results within groups of series. The windows are (time-Window, time].
type GridQuestion struct {
	Grid
	Window   int64 // ms
	Function string
	// Aggregation is sum, avg, min, max or count; empty when each series is a group.
	Aggregation string
	Metrics     []string
	Series      []uint64
	Groups      []uint32 // of Series, by position
}

// GridRow is the results of a group, by position on the grid; nil where there is none.
type GridRow struct {
	Group  uint32
	Values []*float64
}

// SeriesReader reads series and points as they are stored, for engines that evaluate them.
// All of it needs MetricsRead. Errors are those of Telemetry.
type SeriesReader interface {
	// SeriesFamilies are those of the days of a range.
	SeriesFamilies(ctx context.Context, scope Scope, in TimeRange) ([]DescribedFamily, error)
	// FindSeries gives series in no order, each once.
	FindSeries(ctx context.Context, scope Scope, q SeriesQuestion) ([]StoredSeries, error)
	// ReadPoints gives the points by series and time. Of several points of a series in
	// one millisecond it gives all, the greatest value last.
	ReadPoints(ctx context.Context, scope Scope, q PointsQuestion, each func(Point)) error
	// ReadHistograms does the same with histograms and summaries.
	ReadHistograms(ctx context.Context, scope Scope, q PointsQuestion, parts HistogramParts, each func(*HistogramPoint)) error
	// ReadExemplars gives exemplars by time.
	ReadExemplars(ctx context.Context, scope Scope, q PointsQuestion) ([]ExemplarPoint, error)
	// SeriesSeen says when series had points of any kind, to the interval.
	SeriesSeen(ctx context.Context, scope Scope, q PointsQuestion, interval time.Duration) ([]SeriesSeen, error)
	// SeriesBounds are the lists of explicit bounds, or of quantiles, that series had.
	SeriesBounds(ctx context.Context, scope Scope, q PointsQuestion) (map[uint64][]float64, error)
	// EvaluateGrid answers a question of a grid. False: the answer might differ from one that
	// was evaluated sample by sample, because of values that are not finite.
	EvaluateGrid(ctx context.Context, scope Scope, q GridQuestion) ([]GridRow, bool, error)
}
