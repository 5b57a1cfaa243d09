package promql

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	upstream "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

// noon is of a day that no retention has ended.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)

type world struct {
	*telemetrytest.World

	store  *clickhouse.Store
	engine *promql.Engine
	own    promql.Settings
}

func setup(t *testing.T, change func(*promql.Settings)) *world {
	t.Helper()
	w := &world{World: telemetrytest.New(t), own: promql.DefaultSettings()}
	settings := clickhouse.DefaultSettings()
	settings.Endpoint = configopaque.String(w.Database.URL)
	var err error
	w.store, err = clickhouse.New(settings, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	if change != nil {
		change(&w.own)
	}
	w.engine = promql.NewEngine(&w.own, upstream.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: w.own.Lookback, UseStartTimestamps: w.own.StartTimestamps}, parser.Options{})
	t.Cleanup(func() { _ = w.engine.Close() })
	return w
}

func scope(in tenant.Scope, alternatives ...[]queryserver.Predicate) queryserver.Scope {
	return queryserver.NewScope(tenant.ID{1}, in, map[queryserver.Permission]queryserver.Filter{queryserver.MetricsRead: queryserver.Union(alternatives...)})
}

// evaluate evaluates from noon to noon and half an hour, every 30 s.
func (w *world) evaluate(t *testing.T, of queryserver.Scope, text string) upstream.Matrix {
	t.Helper()
	q, err := w.engine.NewRangeQuery(t.Context(), promql.NewQueryable(&w.own, w.store, of), nil, text, noon, noon.Add(30*time.Minute), 30*time.Second)
	require.NoError(t, err)
	result := q.Exec(t.Context())
	require.NoError(t, result.Err, text)
	matrix, err := result.Matrix()
	require.NoError(t, err)
	return matrix
}

// add appends a data point to a metric of a temporality.
type add func(m pmetric.Metric, temporality pmetric.AggregationTemporality, at time.Time, values []float64)

// Rule 20: what was sent as deltas has the rate and increase of the same data sent as
// cumulative, from the middle of a series and from its beginning.
func TestDelta_AsCumulative(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	deltas := []float64{0, 7, 3, 12, 1, 0, 5, 5, 40, 2, 9, 1, 1, 0, 0, 6, 8, 3, 10, 4}
	for len(deltas) < 150 {
		deltas = append(deltas, deltas[len(deltas)%17]+float64(len(deltas)%5))
	}
	for name, begin := range map[string]time.Time{"old": noon.Add(-20 * time.Minute), "new": noon.Add(4*time.Minute + 3*time.Second)} {
		for kind, append := range map[string]add{"sum": addSum, "explicit": addExplicit, "exponential": addExponential} {
			for _, temporality := range []pmetric.AggregationTemporality{pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative} {
				md := pmetric.NewMetrics()
				m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
				m.SetName(name + "_" + kind + "_" + temporality.String())
				append(m, temporality, begin, deltas)
				w.Metrics(t, w.Tenant, md)
			}
		}
	}
	for _, name := range []string{"old", "new"} {
		for _, template := range []string{
			"rate(%_sum_TEMPORALITY_total[5m])", "increase(%_sum_TEMPORALITY_total[2m])", "irate(%_sum_TEMPORALITY_total[5m])",
			"rate(%_explicit_TEMPORALITY_bucket[5m])", "increase(%_explicit_TEMPORALITY_count[5m])", "rate(%_explicit_TEMPORALITY_sum[3m])",
			"histogram_count(rate(%_exponential_TEMPORALITY[5m]))", "histogram_sum(increase(%_exponential_TEMPORALITY[5m]))",
			"histogram_quantile(0.9, rate(%_exponential_TEMPORALITY[5m]))",
		} {
			got := w.evaluate(t, scope(w.Tenant), fill(template, name, "Delta"))
			want := w.evaluate(t, scope(w.Tenant), fill(template, name, "Cumulative"))
			require.NotEmpty(t, want, template)
			require.Empty(t, differ(want.String(), got.String(), seriesOf(&upstream.Result{Value: want}), seriesOf(&upstream.Result{Value: got})), "%s %s", name, template)
		}
	}
}

func fill(template, name, temporality string) string {
	return strings.NewReplacer("%", name, "TEMPORALITY", temporality).Replace(template)
}

func pointTime(at time.Time, i int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(at.Add(time.Duration(i) * 20 * time.Second))
}

func addSum(m pmetric.Metric, temporality pmetric.AggregationTemporality, at time.Time, deltas []float64) {
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(temporality)
	var total float64
	for i, delta := range deltas {
		total += delta
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(pointTime(at, i))
		p.SetDoubleValue(delta)
		if temporality == pmetric.AggregationTemporalityCumulative {
			p.SetDoubleValue(total)
		}
	}
}

// addExplicit puts each delta into the bucket of its last digit.
func addExplicit(m pmetric.Metric, temporality pmetric.AggregationTemporality, at time.Time, deltas []float64) {
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(temporality)
	counts, sum := make([]uint64, 4), 0.0
	for i, delta := range deltas {
		if temporality == pmetric.AggregationTemporalityDelta {
			counts, sum = make([]uint64, 4), 0
		}
		counts[int(delta)%4] += uint64(delta)
		sum += delta * delta
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(pointTime(at, i))
		p.ExplicitBounds().FromRaw([]float64{1, 2.5, 10})
		p.BucketCounts().FromRaw(append([]uint64{}, counts...))
		p.SetCount(counts[0] + counts[1] + counts[2] + counts[3])
		p.SetSum(sum)
	}
}

func addExponential(m pmetric.Metric, temporality pmetric.AggregationTemporality, at time.Time, deltas []float64) {
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(temporality)
	counts, sum := make([]uint64, 4), 0.0
	for i, delta := range deltas {
		if temporality == pmetric.AggregationTemporalityDelta {
			counts, sum = make([]uint64, 4), 0
		}
		counts[int(delta)%4] += uint64(delta)
		sum += delta * delta
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(pointTime(at, i))
		p.SetScale(1)
		p.Positive().SetOffset(-1)
		p.Positive().BucketCounts().FromRaw(append([]uint64{}, counts...))
		p.SetCount(counts[0] + counts[1] + counts[2] + counts[3])
		p.SetSum(sum)
	}
}
