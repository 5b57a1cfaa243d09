package promql

import (
	"math"
	"testing"
	"time"

	upstream "github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

// metrics makes a resource with one metric, which the caller fills.
func metrics(resource map[string]string, name, unit string, fill func(m pmetric.Metric)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	r := md.ResourceMetrics().AppendEmpty()
	for key, value := range resource {
		r.Resource().Attributes().PutStr(key, value)
	}
	m := r.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	fill(m)
	return md
}

// gaugeOf has a point a minute from noon on. NaN is a point without a value.
func gaugeOf(attributes map[string]string, values ...float64) func(pmetric.Metric) {
	return func(m pmetric.Metric) {
		points := m.SetEmptyGauge().DataPoints()
		for i, value := range values {
			p := points.AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(i) * time.Minute)))
			if math.IsNaN(value) {
				p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
			} else {
				p.SetDoubleValue(value)
			}
			for key, text := range attributes {
				p.Attributes().PutStr(key, text)
			}
		}
	}
}

// found are the labels of what a selector finds at some minutes after noon.
func (w *world) found(t *testing.T, of queryserver.Scope, text string, minutes int) []string {
	t.Helper()
	at := noon.Add(time.Duration(minutes) * time.Minute)
	q, err := w.engine.NewInstantQuery(t.Context(), promql.NewQueryable(&w.own, w.store, of), nil, text, at)
	require.NoError(t, err)
	defer q.Close()
	result := q.Exec(t.Context())
	require.NoError(t, result.Err, text)
	vector, err := result.Vector()
	require.NoError(t, err)
	labels := []string{}
	for _, s := range vector {
		labels = append(labels, s.Metric.String())
	}
	return labels
}

func TestNaming(t *testing.T) {
	t.Parallel()
	w := setup(t, func(s *promql.Settings) { s.PromoteResourceAttributes = []string{"deployment.environment.name"} })
	shop := map[string]string{"service.namespace": "eu", "service.name": "shop", "service.instance.id": "i1", "deployment.environment.name": "staging", "host.name": "h1"}
	w.Metrics(t, w.Tenant, metrics(shop, "pool.used", "By", gaugeOf(map[string]string{"http.method": "GET", "http_method": "POST", "0zone": "x", "plain": "it's 'q' \\"}, 1, 2)))
	w.Metrics(t, w.Tenant, metrics(map[string]string{"service.name": "cart"}, "pool.used", "By", gaugeOf(map[string]string{"http/method": "PUT"}, 1, 2)))
	w.Metrics(t, w.Tenant, metrics(nil, "ratio", "1", gaugeOf(nil, 1)))
	w.Metrics(t, w.Other, metrics(shop, "pool.used", "By", gaugeOf(map[string]string{"foreign": "yes"}, 1, 2)))
	of := scope(w.Tenant)
	const (
		first = `{__name__="pool_used_bytes", deployment_environment_name="staging", http_method="GET;POST", instance="i1", job="eu/shop", key_0zone="x", plain="it's 'q' \\"}`
		cart  = `{__name__="pool_used_bytes", http_method="PUT", job="cart"}`
	)
	for text, want := range map[string][]string{
		`pool_used_bytes{job="eu/shop"}`:                                     {first},
		`pool_used_bytes{job=~"eu/.*", instance!=""}`:                        {first},
		`pool_used_bytes{http_method="GET;POST"}`:                            {first},
		`pool_used_bytes{http_method=~"P.*"}`:                                {cart},
		`pool_used_bytes{http_method!~"GET.*"}`:                              {cart},
		`pool_used_bytes{key_0zone="x"}`:                                     {first},
		`pool_used_bytes{plain="it's 'q' \\"}`:                               {first},
		`pool_used_bytes{plain=""}`:                                          {cart},
		`pool_used_bytes{deployment_environment_name=~"stag.+"}`:             {first},
		`pool_used_bytes{deployment_environment_name!="staging"}`:            {cart},
		`{__name__=~"pool_.*", job="cart"}`:                                  {cart},
		`{job="cart", __name__!="target_info"}`:                              {cart},
		`pool_used_bytes{job="shop"}`:                                        {},
		`pool_used{}`:                                                        {},
		`{"pool.used"}`:                                                      {},
		`ratio`:                                                              {`{__name__="ratio"}`},
		`target_info`:                                                        {`{__name__="target_info", deployment_environment_name="staging", host_name="h1", instance="i1", job="eu/shop"}`},
		`target_info{host_name="h1"} * on (job) group_right pool_used_bytes`: {`{deployment_environment_name="staging", http_method="GET;POST", instance="i1", job="eu/shop", key_0zone="x", plain="it's 'q' \\"}`},
	} {
		require.ElementsMatch(t, want, w.found(t, of, text, 1), text)
	}
	limited := scope(w.Tenant, []queryserver.Predicate{{Dimension: "service", Values: []string{"cart"}}})
	require.Equal(t, []string{cart}, w.found(t, limited, `{__name__=~".+"}`, 1), "rule 27")
}

func TestNaming_Untranslated(t *testing.T) {
	t.Parallel()
	w := setup(t, func(s *promql.Settings) { s.Translation = "NoTranslation" })
	w.Metrics(t, w.Tenant, metrics(map[string]string{"service.name": "cart"}, "pool.größe", "By", gaugeOf(map[string]string{"http.method": "PUT", "ключ": "v"}, 1, 2)))
	for _, text := range []string{`{"pool.größe"}`, `{"pool.größe", "http.method"="PUT"}`, `{"pool.größe", "ключ"=~"v|w", missing=""}`, `{__name__=~"pool.gr.+e"}`} {
		require.Equal(t, []string{`{__name__="pool.größe", "http.method"="PUT", job="cart", "ключ"="v"}`}, w.found(t, scope(w.Tenant), text, 1), text)
	}
}

// A point without a value ends a series at once, and not only after the look-back.
func TestStaleness(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.Metrics(t, w.Tenant, metrics(nil, "level", "", gaugeOf(nil, 1, 2, math.NaN(), 4)))
	for minute, present := range map[int]int{0: 1, 1: 1, 2: 0, 3: 1, 7: 1, 8: 0} {
		require.Len(t, w.found(t, scope(w.Tenant), "level", minute), present, "minute %d", minute)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.Metrics(t, w.Tenant, metrics(nil, "latency", "s", func(m pmetric.Metric) {
		p := m.SetEmptySummary().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(noon))
		p.SetCount(3)
		p.SetSum(1.5)
		for _, quantile := range []float64{0.5, 0.99} {
			q := p.QuantileValues().AppendEmpty()
			q.SetQuantile(quantile)
			q.SetValue(quantile * 2)
		}
	}))
	require.ElementsMatch(t, []string{`{__name__="latency_seconds", quantile="0.5"}`, `{__name__="latency_seconds", quantile="0.99"}`}, w.found(t, scope(w.Tenant), "latency_seconds", 1))
	require.Len(t, w.found(t, scope(w.Tenant), `latency_seconds{quantile="0.99"} == 1.98`, 1), 1)
	require.Len(t, w.found(t, scope(w.Tenant), `latency_seconds_sum / latency_seconds_count == 0.5`, 1), 1)
}

// Random counters with resets, gaps and uneven times: what ClickHouse evaluates is what
// Prometheus evaluates.
func TestPushDown_Random(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	fetched := w.own
	fetched.PushDown = false
	off := promql.NewEngine(&fetched, upstream.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute}, language())
	random := newRandom(t)
	for _, service := range []string{"a", "b", "c"} {
		for _, code := range []string{"200", "404", "500"} {
			w.Metrics(t, w.Tenant, metrics(map[string]string{"service.name": service}, "hits", "", random.counter(code)))
		}
	}
	engines, pushed, asked := both{w.engine, off}, 0, 0
	for _, function := range []string{"rate", "increase", "delta", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time"} {
		for _, aggregation := range []string{"", "sum by (job)", "avg without (code)", "max"} {
			for _, window := range []string{"37s", "5m", "90s] offset 77s"} {
				text := aggregation + "(" + function + "(hits_total[" + window
				if window[len(window)-1] == 's' && len(window) > 4 {
					text += "))"
				} else {
					text += "]))"
				}
				asked++
				q, err := engines.NewRangeQuery(t.Context(), promql.NewQueryable(&w.own, w.store, scope(w.Tenant)), nil, text, noon.Add(-time.Minute), noon.Add(40*time.Minute), 43*time.Second)
				require.NoError(t, err, text)
				require.NoError(t, q.Exec(t.Context()).Err, text)
				if p, can := q.(*pair).Query.(interface{ Pushed() bool }); can && p.Pushed() {
					pushed++
				}
			}
		}
	}
	t.Logf("%d of %d were pushed down", pushed, asked)
	require.Greater(t, 10*pushed, 9*asked)
}
