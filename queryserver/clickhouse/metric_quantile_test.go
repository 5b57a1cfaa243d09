package clickhouse

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestDistribution_Quantile(t *testing.T) {
	t.Parallel()
	quantile := func(d *distribution, share float64) float64 {
		v, any := d.quantile(share)
		require.True(t, any)
		return v
	}
	d := newDistribution()
	_, any := d.quantile(0.5)
	require.False(t, any)
	d.addExplicit([]float64{1, 2, 4}, []int64{2, 4, 2, 2})
	for share, want := range map[float64]float64{0: 0, 0.1: 0.5, 0.2: 1, 0.4: 1.5, 0.6: 2, 0.7: 3, 0.8: 4, 0.9: 4, 1: 4} {
		require.InDelta(t, want, quantile(d, share), 1e-12, share)
	}
	negative := newDistribution()
	negative.addExplicit([]float64{-5, 5}, []int64{1, 2, 0})
	require.InDelta(t, -5, quantile(negative, 0.2), 1e-12, "the first bucket of a bound below 0 is all at it")

	overlapping := newDistribution() // 4 in (0, 4], and 2 in (0, 1], 2 in (1, 2]
	overlapping.addExplicit([]float64{4}, []int64{4, 0})
	overlapping.addExplicit([]float64{1, 2}, []int64{2, 2, 0})
	require.InDelta(t, 4./3, quantile(overlapping, 0.5), 1e-9)
	require.InDelta(t, 2, quantile(overlapping, 0.75), 1e-9)

	e := newDistribution() // scale 0: 1 to 2 and 2 to 4
	e.addExponential(0, 0, 0, []int64{0, 1}, []int64{2, 2}, nil, nil)
	require.InDelta(t, math.Sqrt2, quantile(e, 0.25), 1e-12)
	require.InDelta(t, 2*math.Sqrt2, quantile(e, 0.75), 1e-12)
	// Scale 1 has half as wide buckets: 0 and 1 are the former's 0, 3 is its 1; -1 is of 1/√2 to 1.
	e.addExponential(1, 0, 0, []int64{-1, 0, 1, 3}, []int64{4, 1, 1, 2}, nil, nil)
	require.EqualValues(t, 0, e.scale)
	require.Equal(t, map[int64]int64{-1: 4, 0: 4, 1: 4}, e.sides[0])
	e.addExponential(0, 0.25, 6, nil, nil, []int64{0}, []int64{6})
	require.InDelta(t, -math.Sqrt2, quantile(e, 3./24), 1e-12)
	require.InDelta(t, 0, quantile(e, 9./24), 1e-12)
	require.InDelta(t, 1, quantile(e, 16./24), 1e-12)
}

// histogramPoint has counts of (-∞, 1], (1, 2], (2, ∞).
func histogramPoint(h pmetric.Histogram, start time.Time, point at, counts ...uint64) {
	p := h.DataPoints().AppendEmpty()
	p.SetTimestamp(stampOf(point.time()))
	p.SetStartTimestamp(stampOf(start))
	p.SetSum(point.value)
	p.ExplicitBounds().FromRaw([]float64{1, 2})
	p.BucketCounts().FromRaw(counts)
	total := uint64(0)
	for _, n := range counts {
		total += n
	}
	p.SetCount(total)
	p.SetMin(0.25)
	p.SetMax(point.value)
}

// The same observations as delta and as cumulative histograms give the same answers.
func TestQueryMetrics_Rule20_Histograms(t *testing.T) {
	t.Parallel()
	w := setup(t)
	start := noon.Add(-time.Second)
	cumulated := metricsOf("cumulative")
	h := cumulated.metric("latency").SetEmptyHistogram()
	h.SetAggregationTemporality(cumulative)
	histogramPoint(h, start, at{0, 4}, 2, 2, 0)
	histogramPoint(h, start, at{60, 10}, 2, 4, 4)
	histogramPoint(h, noon.Add(90*time.Second), at{120, 1}, 4, 0, 0) // a restart
	deltas := metricsOf("delta")
	h = deltas.metric("latency").SetEmptyHistogram()
	h.SetAggregationTemporality(delta)
	histogramPoint(h, start, at{0, 4}, 2, 2, 0)
	histogramPoint(h, noon, at{60, 6}, 0, 2, 4)
	histogramPoint(h, noon.Add(time.Minute), at{120, 1}, 4, 0, 0)
	w.Metrics(t, w.Tenant, cumulated.Metrics)
	w.Metrics(t, w.Tenant, deltas.Metrics)
	for _, c := range []struct {
		aggregation queryserver.Aggregation
		want        map[int]float64
	}{
		{queryserver.AggregateCount, map[int]float64{0: 4, 60: 6, 120: 4}},
		{queryserver.AggregateSum, map[int]float64{0: 4, 60: 6, 120: 1}},
		{queryserver.AggregateAvg, map[int]float64{0: 1, 60: 1, 120: 0.25}},
		{queryserver.AggregateIncrease, map[int]float64{0: 4, 60: 6, 120: 4}},
		{queryserver.AggregateRate, map[int]float64{0: 4. / 60, 60: 0.1, 120: 4. / 60}},
		{queryserver.AggregateQuantile, map[int]float64{0: 1, 60: 2, 120: 0.5}},
		{queryserver.AggregateMin, map[int]float64{0: 0.25, 60: 0.25, 120: 0.25}},
	} {
		q := queryserver.MetricQuery{MetricSelector: about("latency"), Aggregation: c.aggregation, Quantile: 0.5, Step: time.Minute, GroupBy: byService}
		require.Equal(t, map[string]map[int]float64{"cumulative": c.want, "delta": c.want}, w.answer(t, q), c.aggregation)
	}
	q := queryserver.MetricQuery{MetricSelector: about("latency"), Aggregation: queryserver.AggregateQuantile, Quantile: 0.5, Instant: true}
	require.Equal(t, map[string]map[int]float64{"": {0: 1.25}}, w.answer(t, q), "both together: 12, 8 and 8")
}

// The scale of an exponential histogram may fall from one point to the next.
func TestQueryMetrics_ExponentialHistogram(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := metricsOf("shop")
	h := b.metric("latency").SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(cumulative)
	add := func(point at, scale, offset int32, counts ...uint64) {
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(point.time()))
		p.SetStartTimestamp(stampOf(noon.Add(-time.Second)))
		p.SetScale(scale)
		p.Positive().SetOffset(offset)
		p.Positive().BucketCounts().FromRaw(counts)
		for _, n := range counts {
			p.SetCount(p.Count() + n)
		}
	}
	add(at{0, 0}, 1, 0, 1, 1, 2) // (1, √2], (√2, 2], (2, 2√2]
	add(at{60, 0}, 0, 0, 2, 4)   // (1, 2], (2, 4]: two more above 2
	w.Metrics(t, w.Tenant, b.Metrics)
	q := queryserver.MetricQuery{MetricSelector: about("latency"), Aggregation: queryserver.AggregateQuantile, Quantile: 0.5, Step: time.Minute}
	got := w.answer(t, q)[""]
	require.InDelta(t, 2, got[0], 1e-12)
	require.InDelta(t, 2*math.Sqrt2, got[60], 1e-12)
}

func TestQueryMetrics_Summary(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := metricsOf("shop")
	summary := b.metric("latency").SetEmptySummary()
	for i, value := range []float64{1, 3} {
		p := summary.DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(at{float64(i), 0}.time()))
		p.SetCount(uint64(10 * (i + 1)))
		p.SetSum(5 * float64(i+1))
		q := p.QuantileValues().AppendEmpty()
		q.SetQuantile(0.9)
		q.SetValue(value)
	}
	w.Metrics(t, w.Tenant, b.Metrics)
	q := queryserver.MetricQuery{MetricSelector: about("latency"), Aggregation: queryserver.AggregateQuantile, Quantile: 0.9, Step: time.Minute}
	require.Equal(t, map[string]map[int]float64{"": {0: 2}}, w.answer(t, q))
	q.Quantile = 0.5
	require.Empty(t, w.answer(t, q), "the senders did not compute it")
	q.Aggregation = queryserver.AggregateIncrease
	require.Equal(t, map[string]map[int]float64{"": {0: 10}}, w.answer(t, q))
}
