package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// batch makes metrics of one service.
type batch struct {
	pmetric.Metrics
	scope pmetric.ScopeMetrics
}

func newBatch(resource map[string]string) *batch {
	b := &batch{Metrics: pmetric.NewMetrics()}
	r := b.ResourceMetrics().AppendEmpty()
	put(r.Resource().Attributes(), resource)
	b.scope = r.ScopeMetrics().AppendEmpty()
	return b
}

func metricsOf(name string) *batch { return newBatch(map[string]string{"service.name": name}) }

func (b *batch) metric(name string) pmetric.Metric {
	m := b.scope.Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit("By")
	m.SetDescription("of " + name)
	return m
}

func stampOf(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// gauge adds one point.
func (b *batch) gauge(name string, at time.Time, value float64, attributes map[string]string) *batch {
	p := b.metric(name).SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(stampOf(at))
	p.SetDoubleValue(value)
	put(p.Attributes(), attributes)
	return b
}

// at is a value at some seconds after noon.
type at struct {
	seconds float64
	value   float64
}

func (a at) time() time.Time { return noon.Add(time.Duration(a.seconds * float64(time.Second))) }

// counter adds the points of a sum with a start.
func (b *batch) counter(name string, temporality pmetric.AggregationTemporality, start time.Time, attributes map[string]string, points ...at) *batch {
	sum := b.metric(name).SetEmptySum()
	sum.SetAggregationTemporality(temporality)
	sum.SetIsMonotonic(true)
	for _, point := range points {
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(stampOf(point.time()))
		if !start.IsZero() {
			p.SetStartTimestamp(stampOf(start))
		}
		p.SetDoubleValue(point.value)
		put(p.Attributes(), attributes)
	}
	return b
}

// hour is the hour from noon on.
var hour = queryserver.TimeRange{From: noon, To: noon.Add(time.Hour)}

// asks prepares a query of the hour.
func asks(t testing.TB, q queryserver.MetricQuery) queryserver.MetricQuery {
	t.Helper()
	if q.In.From.IsZero() {
		q.In = hour
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	prepared, err := q.Prepare()
	require.NoError(t, err)
	return prepared
}

// answer is what a query gives, by service or "", of buckets by seconds after noon.
func (w *world) answer(t testing.TB, q queryserver.MetricQuery, alternatives ...[]queryserver.Predicate) map[string]map[int]float64 {
	t.Helper()
	result, err := w.QueryMetrics(t.Context(), scope(w.Tenant, alternatives...), asks(t, q))
	require.NoError(t, err)
	require.False(t, result.Truncated)
	found := make(map[string]map[int]float64)
	for _, series := range result.Series {
		key := ""
		for _, value := range series.Labels {
			key += value
		}
		require.NotContains(t, found, key)
		found[key] = make(map[int]float64)
		for _, bucket := range series.Buckets {
			found[key][int(bucket.Time.Sub(noon).Seconds())] = float64(bucket.Value)
		}
	}
	return found
}

func about(metrics ...string) queryserver.MetricSelector {
	return queryserver.MetricSelector{Metrics: metrics}
}

const (
	cumulative = pmetric.AggregationTemporalityCumulative
	delta      = pmetric.AggregationTemporalityDelta
)

var byService = []queryserver.Label{{Origin: queryserver.ServiceLabel}}
