package promql

import (
	"github.com/prometheus/prometheus/model/histogram"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// native is an exponential histogram as a native one, or nil when its buckets are wider
// than any that Prometheus has (scale below -4). Scales above 8 are merged down to it.
//
// Bucket i of OTLP is (base^i, base^(i+1)]; that of Prometheus is (base^(i-1), base^i].
func native(p *queryserver.HistogramPoint) *histogram.FloatHistogram {
	if p.Missing {
		return &histogram.FloatHistogram{Sum: stale()}
	}
	if p.Scale < histogram.ExponentialSchemaMin {
		return nil
	}
	schema := min(p.Scale, histogram.ExponentialSchemaMax)
	down := p.Scale - schema
	h := &histogram.FloatHistogram{
		Schema: schema, Count: float64(p.Count), Sum: p.Sum, ZeroCount: float64(p.ZeroCount), ZeroThreshold: p.ZeroThreshold,
	}
	h.PositiveSpans, h.PositiveBuckets = sparse(p.Positive, p.PositiveOffset, func(i int32) int32 { return i>>down + 1 })
	h.NegativeSpans, h.NegativeBuckets = sparse(p.Negative, p.NegativeOffset, func(i int32) int32 { return i>>down + 1 })
	return h
}

// custom is a histogram with explicit bounds as a native one with custom buckets.
func custom(p *queryserver.HistogramPoint) *histogram.FloatHistogram {
	if p.Missing {
		return &histogram.FloatHistogram{Sum: stale()}
	}
	h := &histogram.FloatHistogram{
		Schema: histogram.CustomBucketsSchema, Count: float64(p.Count), Sum: p.Sum, CustomValues: p.Bounds,
	}
	counts := p.Counts
	if len(counts) == 0 {
		counts = make([]uint64, len(p.Bounds)+1) // OTLP: no buckets are one that holds all
		counts[len(counts)-1] = p.Count
	}
	h.PositiveSpans, h.PositiveBuckets = sparse(counts, 0, func(i int32) int32 { return i })
	return h
}

// sparse leaves out empty buckets, and adds up those that have one index.
func sparse(counts []uint64, offset int32, index func(int32) int32) (spans []histogram.Span, buckets []float64) {
	var next int32 // the index after the last bucket
	for i, count := range counts {
		if count == 0 {
			continue
		}
		at := index(offset + int32(i))
		switch {
		case len(buckets) > 0 && at == next-1:
			buckets[len(buckets)-1] += float64(count)
			continue
		case len(spans) == 0 || at > next:
			spans = append(spans, histogram.Span{Offset: at - next})
		}
		spans[len(spans)-1].Length++
		buckets = append(buckets, float64(count))
		next = at + 1
	}
	return spans, buckets
}

// hint says of each histogram whether the counter began anew since the one before, as
// Prometheus' chunks do. Functions warn when they mix those that did and did not.
func hint(s *samples) {
	for i := 1; i < len(s.histograms); i++ {
		h, before := s.histograms[i], s.histograms[i-1]
		switch {
		case h == nil || before == nil || isStale(h.Sum) || isStale(before.Sum):
		case h.DetectReset(before):
			h.CounterResetHint = histogram.CounterReset
		default:
			h.CounterResetHint = histogram.NotCounterReset
		}
	}
}
