package promql

import (
	"math"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// expansion makes Prometheus series of the points of one histogram or summary.
type expansion struct {
	series   *queryserver.StoredSeries
	matchers []*labels.Matcher
	into     *entries
	whole    *stream
	sum      *stream
	count    *stream
	split    map[part]labels.Labels // the labels of buckets or quantiles, without le or quantile
	parts    map[string]*stream     // by le or quantile; nil: not asked for
}

// show adds a part to what is made of the series.
func (x *expansion) show(as part, l labels.Labels) {
	switch as {
	case bucketPart, quantilePart:
		x.split[as] = l
	case sumPart:
		x.sum = x.into.of(l).stream(x.series.Delta)
	case countPart:
		x.count = x.into.of(l).stream(x.series.Delta)
	default:
		x.whole = x.into.of(l).stream(x.series.Delta)
	}
}

// of is the stream of a bucket or a quantile; nil when the matchers leave it out.
func (x *expansion) of(as part, bound float64) *stream {
	name, text := model.BucketLabel, boundText(bound)
	if as == quantilePart {
		name = model.QuantileLabel
	}
	found, known := x.parts[text]
	if !known {
		if l := with(x.split[as], name, text); matchesAll(l, x.matchers) {
			found = x.into.of(l).stream(x.series.Delta && as == bucketPart)
		}
		x.parts[text] = found
	}
	return found
}

func boundText(bound float64) string {
	if math.IsInf(bound, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(bound, 'f', -1, 64)
}

// add takes in a point.
func (x *expansion) add(p *queryserver.HistogramPoint) {
	if x.whole != nil {
		h := native(p)
		if x.series.Kind == queryserver.HistogramSeries {
			h = custom(p)
		}
		if h != nil {
			x.whole.histogram(p.Time, p.Start, h)
		}
	}
	if p.Missing {
		x.missing(p)
		return
	}
	if x.sum != nil && p.HasSum {
		x.sum.number(p.Time, p.Start, p.Sum)
	}
	if x.count != nil {
		x.count.number(p.Time, p.Start, float64(p.Count))
	}
	if _, asked := x.split[bucketPart]; asked {
		x.buckets(p)
	}
	if _, asked := x.split[quantilePart]; asked {
		for i, quantile := range p.Quantiles[:min(len(p.Quantiles), len(p.QuantileValues))] {
			if s := x.of(quantilePart, quantile); s != nil {
				s.number(p.Time, p.Start, p.QuantileValues[i])
			}
		}
	}
}

// buckets counts up to each bound; the last is +Inf, with all.
func (x *expansion) buckets(p *queryserver.HistogramPoint) {
	var upTo uint64
	for i, bound := range p.Bounds[:min(len(p.Bounds), len(p.Counts))] {
		upTo += p.Counts[i]
		if s := x.of(bucketPart, bound); s != nil {
			s.number(p.Time, p.Start, float64(upTo))
		}
	}
	if s := x.of(bucketPart, math.Inf(1)); s != nil {
		s.number(p.Time, p.Start, float64(p.Count))
	}
}

// missing marks all that is known of the series as stale.
func (x *expansion) missing(p *queryserver.HistogramPoint) {
	streams := []*stream{x.sum, x.count}
	for _, s := range x.parts {
		streams = append(streams, s)
	}
	for _, s := range streams {
		if s != nil {
			s.number(p.Time, p.Start, stale())
		}
	}
}

// bounds makes the series of some bounds or quantiles, without samples.
func (x *expansion) bounds(bounds []float64) {
	for as := range x.split {
		for _, bound := range bounds {
			x.of(as, bound)
		}
		if as == bucketPart {
			x.of(as, math.Inf(1))
		}
	}
}
