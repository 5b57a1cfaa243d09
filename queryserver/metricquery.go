package queryserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Aggregation is what is made of the data points of a bucket.
type Aggregation string

// The aggregations. Of gauges and sums they are over the values of the data points. Of
// histograms and summaries they are over the observations: increases of their count and
// sum. Increases are per series, corrected for resets; of delta points they are exact.
const (
	AggregateAvg      Aggregation = "avg"
	AggregateSum      Aggregation = "sum"
	AggregateMin      Aggregation = "min"
	AggregateMax      Aggregation = "max"
	AggregateCount    Aggregation = "count"
	AggregateLast     Aggregation = "last"     // of the newest data point; not of histograms
	AggregateIncrease Aggregation = "increase" // of counters and of the counts of histograms
	AggregateRate     Aggregation = "rate"     // the increase per second
	AggregateQuantile Aggregation = "quantile" // of histograms and summaries
)

// MetricQuery asks for an aggregation over time.
type MetricQuery struct {
	MetricSelector
	Aggregation Aggregation
	Quantile    float64 // from 0 to 1, of AggregateQuantile
	GroupBy     []Label
	// Step is the length of a bucket, in whole seconds. 0: one is chosen.
	Step time.Duration
	// Instant makes one bucket of the whole range.
	Instant bool
	Limit   int // of series
}

const (
	// MaxBuckets of a series: more than a screen has pixels for.
	MaxBuckets = 2000
	// chosenBuckets is how many a chosen step makes at most.
	chosenBuckets = 240
)

// MetricLookBack is how far before a data point the one before it may lie, for their
// difference to count as an increase: exporters send every minute, or every five, and one
// may be lost. It is the same for every query, so that an answer does not depend on where
// a range begins.
const MetricLookBack = 11 * time.Minute

// steps are those that are chosen from. Each divides the next but the few around 15 s.
func steps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day,
	}
}

// Prepare checks a query, chooses its step, and aligns its range to whole buckets, which
// begin at multiples of the step since 1970, so that neighbours ask for the same buckets.
func (q MetricQuery) Prepare() (MetricQuery, error) {
	fault := func(field, format string, arguments ...any) (MetricQuery, error) {
		return q, &Error{Code: Invalid, Message: "the query cannot be answered", Fields: []FieldError{{Location: field, Message: fmt.Sprintf(format, arguments...)}}}
	}
	switch q.Aggregation {
	case AggregateAvg, AggregateSum, AggregateMin, AggregateMax, AggregateCount, AggregateLast:
	case AggregateIncrease, AggregateRate, AggregateQuantile:
		if len(q.Metrics) == 0 {
			return fault("metric", "%s needs the name of a metric", q.Aggregation)
		}
	default:
		return fault("aggregation", "must be avg, sum, min, max, count, last, rate, increase or quantile")
	}
	if q.Aggregation == AggregateQuantile && !(q.Quantile >= 0 && q.Quantile <= 1) {
		return fault("quantile", "must be from 0 to 1")
	}
	for i, match := range q.Match {
		if err := match.Check(); err != nil {
			return fault(fmt.Sprintf("match[%d]", i), "%s", messageOf(err))
		}
	}
	q.GroupBy = slices.SortedFunc(slices.Values(q.GroupBy), func(a, b Label) int { return cmp.Compare(a.String(), b.String()) })
	q.GroupBy = slices.Compact(q.GroupBy)
	length := q.In.To.Sub(q.In.From)
	if q.Instant {
		q.Step = length
		return q, nil
	}
	if q.Step == 0 {
		for _, q.Step = range steps() {
			if length <= chosenBuckets*q.Step {
				break
			}
		}
	}
	if q.Step < time.Second || q.Step%time.Second != 0 {
		return fault("step", "must be whole seconds, at least 1s")
	}
	q.In.From = floor(q.In.From, q.Step)
	if to := floor(q.In.To, q.Step); to.Before(q.In.To) {
		q.In.To = to.Add(q.Step)
	}
	if q.In.To.Sub(q.In.From) > MaxBuckets*q.Step {
		return fault("step", "is too small for the range: at most %d buckets, so at least %s", MaxBuckets, (length/MaxBuckets + time.Second).Truncate(time.Second))
	}
	return q, nil
}

func messageOf(err error) string {
	if e, is := err.(*Error); is { //nolint:errorlint // it was made here
		return e.Message
	}
	return err.Error()
}

// floor is the last multiple of a step since 1970 that is not after a time.
func floor(t time.Time, step time.Duration) time.Time {
	seconds := int64(step / time.Second)
	rest := (t.Unix()%seconds + seconds) % seconds
	return time.Unix(t.Unix()-rest, 0).UTC()
}

// MetricResult is the answer to a MetricQuery: its series by labels.
type MetricResult struct {
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Step      int64          `json:"stepSeconds"`
	Series    []BucketSeries `json:"series"`
	Truncated bool           `json:"truncated" doc:"There are more series than the limit"`
}

// Cut says whether there are more series.
func (r MetricResult) Cut() bool { return r.Truncated }

// BucketSeries is one group of a metric. Of says what was aggregated: values of gauges and
// sums, or observations of histograms and summaries.
type BucketSeries struct {
	Metric  string            `json:"metric"`
	Of      string            `json:"of"`
	Labels  map[string]string `json:"labels"`
	Buckets []Bucket          `json:"points"`
}

// What a BucketSeries is of.
const (
	OfValues       = "values"
	OfObservations = "observations"
	OfQuantiles    = "quantiles" // that summaries brought along, of which it is the mean
)

// Bucket is the value of one bucket. Buckets without data points are absent.
type Bucket struct {
	Time  time.Time `json:"time" doc:"The beginning of the bucket"`
	Value Number    `json:"value"`
}

// Compare orders series by metric, what they are of, and labels.
func (s BucketSeries) Compare(other BucketSeries) int {
	values := func(labels map[string]string) []string {
		texts := make([]string, 0, len(labels))
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			texts = append(texts, labels[key])
		}
		return texts
	}
	return cmp.Or(cmp.Compare(s.Metric, other.Metric), cmp.Compare(s.Of, other.Of), slices.Compare(values(s.Labels), values(other.Labels)))
}

// JoinMetrics makes one answer to a query of answers to parts of its range, in their
// order. Of each part it takes the buckets within the query's range. The first Limit
// series are those of an answer that was never divided.
func JoinMetrics(q MetricQuery, parts ...MetricResult) MetricResult {
	joined := MetricResult{From: q.In.From, To: q.In.To, Step: int64(q.Step / time.Second), Series: []BucketSeries{}}
	place := make(map[string]int)
	for _, part := range parts {
		joined.Truncated = joined.Truncated || part.Truncated
		for _, series := range part.Series {
			within := q.within(series.Buckets)
			if len(within) == 0 {
				continue
			}
			key := series.key()
			at, known := place[key]
			if !known {
				at = len(joined.Series)
				place[key] = at
				joined.Series = append(joined.Series, BucketSeries{Metric: series.Metric, Of: series.Of, Labels: series.Labels})
			}
			joined.Series[at].Buckets = append(joined.Series[at].Buckets, within...)
		}
	}
	slices.SortFunc(joined.Series, BucketSeries.Compare)
	if len(joined.Series) > q.Limit {
		joined.Series, joined.Truncated = joined.Series[:q.Limit], true
	}
	return joined
}

// key tells series apart.
func (s BucketSeries) key() string {
	key := strconv.Quote(s.Metric) + s.Of
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		key += strconv.Quote(label) + strconv.Quote(s.Labels[label])
	}
	return key
}

// within are the buckets of the query's range. Those of an instant query are its own.
func (q MetricQuery) within(buckets []Bucket) []Bucket {
	first, _ := slices.BinarySearchFunc(buckets, q.In.From, func(b Bucket, t time.Time) int { return b.Time.Compare(t) })
	end, _ := slices.BinarySearchFunc(buckets, q.In.To, func(b Bucket, t time.Time) int { return b.Time.Compare(t) })
	return buckets[first:end]
}
