package clickhouse

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// pages reads all pages, as a client does, of a few rows each.
func pages[T any](t *testing.T, limit int, read func(after *queryserver.PointPosition) ([]T, error), position func(T) queryserver.PointPosition) []T {
	t.Helper()
	var all []T
	var after *queryserver.PointPosition
	for {
		rows, err := read(after)
		require.NoError(t, err)
		if len(rows) <= limit {
			return append(all, rows...)
		}
		rows = rows[:limit]
		at := position(rows[limit-1])
		same := at
		if after != nil && *after == (queryserver.PointPosition{Nanos: at.Nanos, Series: at.Series, Hash: at.Hash, Shown: after.Shown}) {
			at.Shown = after.Shown
		}
		for _, row := range rows {
			if position(row) == same {
				at.Shown++
			}
		}
		after, all = &at, append(all, rows...)
	}
}

// Points of one time, and equal ones, come once each, whatever the size of the pages.
func TestMetricPoints_Pages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	want := make(map[string]int)
	batches := []*batch{metricsOf("s0"), metricsOf("s1"), metricsOf("s2")}
	for i := range 60 {
		value := float64(i % 4) // some are equal in all
		batches[i%3].gauge("load", noon.Add(time.Duration(i%2)*time.Second), value, nil)
		want[fmt.Sprint("s", i%3, " ", i%2, " ", value)]++
	}
	for _, b := range batches {
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	for _, limit := range []int{1, 7, 50, 100} {
		got := make(map[string]int)
		var last time.Time
		for i, p := range pages(t, limit, func(after *queryserver.PointPosition) ([]queryserver.MetricPoint, error) {
			return w.MetricPoints(t.Context(), scope(w.Tenant), queryserver.MetricPage{MetricSelector: queryserver.MetricSelector{In: day}, After: after, Limit: limit})
		}, queryserver.MetricPoint.Position) {
			require.True(t, i == 0 || !p.Time.After(last), "newest first")
			last = p.Time
			got[fmt.Sprint(p.Series.Service, " ", int(p.Time.Sub(noon).Seconds()), " ", float64(*p.AsDouble))]++
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}
}

// While points of the same times, and newer ones, arrive between the pages, each of those
// that were there comes once.
func TestMetricPoints_WhileDataArrives(t *testing.T) {
	t.Parallel()
	w := setup(t)
	store := func(from, to int) {
		b := metricsOf("shop")
		for i := from; i < to; i++ {
			b.gauge("load", noon.Add(time.Duration(i%5)*time.Second), float64(i), map[string]string{"i": strconv.Itoa(i % 7)})
		}
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	store(0, 60)
	next := 60
	seen := make(map[float64]int)
	for _, p := range pages(t, 7, func(after *queryserver.PointPosition) ([]queryserver.MetricPoint, error) {
		store(next, next+5)
		next += 5
		return w.MetricPoints(t.Context(), scope(w.Tenant), queryserver.MetricPage{MetricSelector: queryserver.MetricSelector{In: day}, After: after, Limit: 7})
	}, queryserver.MetricPoint.Position) {
		seen[float64(*p.AsDouble)]++
	}
	for i := range 60 {
		require.Equal(t, 1, seen[float64(i)], i)
	}
	for value, times := range seen {
		require.Equal(t, 1, times, value)
	}
}

// Rule 18: a page has every value as it was sent, and the labels of its series once, though
// they stand in many parts.
func TestMetricPoints_Values(t *testing.T) {
	t.Parallel()
	w := setup(t)
	trace := pcommon.TraceID{1, 2, 3}
	add := func(fill func(b *batch)) {
		b := newBatch(map[string]string{"service.name": "shop", "host.name": "h1"})
		fill(b)
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	add(func(b *batch) {
		sum := b.metric("sum").SetEmptySum()
		sum.SetAggregationTemporality(delta)
		sum.SetIsMonotonic(true)
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(noon))
		p.SetStartTimestamp(stampOf(noon.Add(-time.Minute)))
		p.SetIntValue(1<<53 + 1)
		p.Attributes().PutStr("method", "GET")
		p.Exemplars().AppendEmpty().SetTraceID(trace)
	})
	add(func(b *batch) { b.gauge("gauge", noon, math.Inf(-1), nil) })
	add(func(b *batch) {
		p := b.metric("gone").SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(noon))
		p.SetFlags(p.Flags().WithNoRecordedValue(true))
	})
	add(func(b *batch) {
		h := b.metric("histogram").SetEmptyHistogram()
		h.SetAggregationTemporality(cumulative)
		histogramPoint(h, noon, at{0, 1}, 1, 2, math.MaxUint64-3)
		h.DataPoints().At(0).RemoveMax()
	})
	add(func(b *batch) {
		p := b.metric("exponential").SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(noon))
		p.SetScale(3)
		p.SetZeroThreshold(0.5)
		p.SetZeroCount(2)
		p.Negative().SetOffset(-4)
		p.Negative().BucketCounts().FromRaw([]uint64{7})
	})
	add(func(b *batch) {
		p := b.metric("summary").SetEmptySummary().DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(noon))
		p.SetCount(3)
		q := p.QuantileValues().AppendEmpty()
		q.SetQuantile(0.5)
		q.SetValue(math.NaN())
	})
	w.Metrics(t, w.Other, metricsOf("shop").gauge("gauge", noon, 5, nil).Metrics)
	rows, err := w.MetricPoints(t.Context(), scope(w.Tenant), queryserver.MetricPage{MetricSelector: queryserver.MetricSelector{In: day}, Limit: 50})
	require.NoError(t, err)
	require.Len(t, rows, 6)
	got := make(map[string]queryserver.MetricPoint)
	for _, row := range rows {
		got[row.Series.Metric] = row
		require.Equal(t, "By", row.Series.Unit)
		require.Equal(t, "h1", row.Series.Resource["host.name"])
		require.True(t, noon.Equal(row.Time))
	}
	sum := got["sum"]
	require.EqualValues(t, 1<<53+1, *sum.AsInt)
	require.Nil(t, sum.AsDouble)
	require.Equal(t, "delta", sum.Series.Temporality)
	require.True(t, sum.Series.Monotonic)
	require.Equal(t, map[string]string{"method": "GET"}, sum.Series.Attributes)
	require.True(t, noon.Add(-time.Minute).Equal(*sum.Start))
	require.Equal(t, trace.String(), sum.TraceID)
	require.True(t, math.IsInf(float64(*got["gauge"].AsDouble), -1))
	require.True(t, got["gone"].NoValue)
	require.Nil(t, got["gone"].AsDouble)
	h := got["histogram"].Histogram
	require.Equal(t, []queryserver.Count{1, 2, math.MaxUint64 - 3}, h.BucketCounts)
	require.NotNil(t, h.Min)
	require.Nil(t, h.Max)
	require.Nil(t, got["histogram"].Exponential)
	e := got["exponential"].Exponential
	require.EqualValues(t, 3, e.Scale)
	require.Equal(t, queryserver.ExponentialBuckets{Offset: -4, BucketCounts: []queryserver.Count{7}}, e.Negative)
	require.True(t, math.IsNaN(float64(got["summary"].Summary.Quantiles[0].Value)))
	require.Equal(t, queryserver.MetricKind("summary"), got["summary"].Series.Kind)
}

func TestMetricExemplars(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := metricsOf("shop")
	sum := b.metric("hits").SetEmptySum()
	sum.SetAggregationTemporality(delta)
	for i := range 5 {
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(noon.Add(time.Duration(i) * time.Minute)))
		p.Attributes().PutStr("method", []string{"GET", "POST"}[i%2])
		for j := range 3 {
			e := p.Exemplars().AppendEmpty()
			e.SetTimestamp(p.Timestamp() - pcommon.Timestamp(j+1))
			e.SetIntValue(int64(1<<53 + 1 + i*3 + j))
			e.SetTraceID(pcommon.TraceID{byte(i + 1), byte(j)})
			e.SetSpanID(pcommon.SpanID{1})
			e.FilteredAttributes().PutStr("user", "ada")
		}
	}
	w.Metrics(t, w.Tenant, b.Metrics)
	read := func(limit int, match ...queryserver.LabelMatch) func(after *queryserver.PointPosition) ([]queryserver.MetricExemplar, error) {
		return func(after *queryserver.PointPosition) ([]queryserver.MetricExemplar, error) {
			return w.MetricExemplars(t.Context(), scope(w.Tenant), queryserver.MetricPage{
				MetricSelector: queryserver.MetricSelector{In: day, Metrics: []string{"hits"}, Match: match}, After: after, Limit: limit,
			})
		}
	}
	seen := make(map[int64]bool)
	for _, e := range pages(t, 2, read(2), queryserver.MetricExemplar.Position) {
		require.False(t, seen[*e.AsInt])
		seen[*e.AsInt] = true
		require.Equal(t, "shop", e.Series.Service)
		require.Equal(t, "0100000000000000", e.SpanID)
		require.Equal(t, map[string]string{"user": "ada"}, e.Attributes)
		require.True(t, e.Time.Before(e.PointTime))
	}
	require.Len(t, seen, 15)
	get, err := read(50, queryserver.LabelMatch{Label: queryserver.Label{Origin: queryserver.AttributeLabel, Key: "method"}, Operator: queryserver.MatchIn, Values: []string{"GET"}})(nil)
	require.NoError(t, err)
	require.Len(t, get, 9)
}
