//go:build linux

package queryserver

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
)

// counted notes what the cache asks the store for.
type counted struct {
	queryserver.Telemetry

	mu    sync.Mutex
	asked []queryserver.TimeRange
}

func (c *counted) QueryMetrics(ctx context.Context, scope queryserver.Scope, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	c.mu.Lock()
	c.asked = append(c.asked, q.In)
	c.mu.Unlock()
	return c.Telemetry.QueryMetrics(ctx, scope, q)
}

// took gives what was asked for since the last call.
func (c *counted) took() []queryserver.TimeRange {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

// splitWorld is a cache before a store, at a time that the test chooses.
type splitWorld struct {
	*telemetrytest.World
	store  *counted
	cached *cache.Telemetry
	scope  queryserver.Scope
	now    time.Time // read by the test's own goroutine and the loads that it waits for
	mu     sync.Mutex
}

func (w *splitWorld) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *splitWorld) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newSplitWorld(t *testing.T) *splitWorld {
	t.Helper()
	w := &splitWorld{World: telemetrytest.New(t), now: time.Now().UTC().Truncate(24 * time.Hour).Add(-2 * time.Hour)}
	settings := clickhouse.DefaultSettings()
	settings.Endpoint = configopaque.String(w.Database.URL)
	store, err := clickhouse.New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	w.store = &counted{Telemetry: store}
	remembers := cache.DefaultSettings()
	remembers.Now = w.clock // with Redis it would have to be that of Redis
	c, err := cache.New(remembers, nil, slog.New(slog.DiscardHandler), noop.Meter{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	w.cached = cache.NewTelemetry(c, w.store)
	w.scope = queryserver.NewScope(tenant.ID{1}, w.Tenant, map[queryserver.Permission]queryserver.Filter{queryserver.MetricsRead: {}})
	w.pass(10 * time.Minute) // what was missed before the start counts no more
	return w
}

// point stores one point of a counter.
func (w *splitWorld) point(t *testing.T, service string, at time.Time, value float64) {
	t.Helper()
	md := pmetric.NewMetrics()
	r := md.ResourceMetrics().AppendEmpty()
	r.Resource().Attributes().PutStr("service.name", service)
	metric := r.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("hits")
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	sum.SetIsMonotonic(true)
	p := sum.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(value)
	w.Metrics(t, w.Tenant, md)
}

func (w *splitWorld) query(t *testing.T, aggregation queryserver.Aggregation, in queryserver.TimeRange, limit int) queryserver.MetricQuery {
	t.Helper()
	q, err := queryserver.MetricQuery{
		MetricSelector: queryserver.MetricSelector{In: in, Metrics: []string{"hits"}}, Aggregation: aggregation, Step: 15 * time.Second,
		GroupBy: []queryserver.Label{{Origin: queryserver.ServiceLabel}}, Limit: limit,
	}.Prepare()
	require.NoError(t, err)
	return q
}

// same demands that the divided answer is the whole one.
func (w *splitWorld) same(t *testing.T, q queryserver.MetricQuery) queryserver.MetricResult {
	t.Helper()
	want, err := w.store.Telemetry.QueryMetrics(t.Context(), w.scope, q)
	require.NoError(t, err)
	got, err := w.cached.QueryMetrics(t.Context(), w.scope, q)
	require.NoError(t, err)
	require.Equal(t, want, got)
	return got
}

// An answer of intervals is the answer to the whole, whatever it asks for, wherever it
// begins, and also across the borders of intervals; what has been asked is asked no more.
func TestSplit_EqualsWhole(t *testing.T) {
	t.Parallel()
	w := newSplitWorld(t)
	from := w.clock().Add(-time.Hour)
	for i := range 65 { // to beyond now; it falls in between
		for j, service := range []string{"cart", "mail", "shop"} {
			if (i+j)%7 != 0 {
				w.point(t, service, from.Add(time.Duration(i)*time.Minute+time.Duration(j)*time.Second), float64((i*i)%(50+j)))
			}
		}
	}
	for _, aggregation := range []queryserver.Aggregation{queryserver.AggregateAvg, queryserver.AggregateRate, queryserver.AggregateIncrease, queryserver.AggregateLast} {
		require.Len(t, w.same(t, w.query(t, aggregation, queryserver.TimeRange{From: from, To: w.clock()}, 100)).Series, 3)
		for _, shift := range []time.Duration{-7 * time.Minute, 15 * time.Second, 9*time.Minute + 45*time.Second, 58 * time.Minute} {
			w.same(t, w.query(t, aggregation, queryserver.TimeRange{From: from.Add(shift), To: w.clock().Add(time.Minute)}, 100))
		}
	}
	w.store.took()
	w.same(t, w.query(t, queryserver.AggregateRate, queryserver.TimeRange{From: from.Add(15 * time.Second), To: w.clock()}, 100))
	require.LessOrEqual(t, len(w.store.took()), 1, "the tail at most")

	cut := w.same(t, w.query(t, queryserver.AggregateAvg, queryserver.TimeRange{From: from, To: w.clock()}, 2))
	require.True(t, cut.Cut())
	w.store.took()
	w.same(t, w.query(t, queryserver.AggregateAvg, queryserver.TimeRange{From: from, To: w.clock()}, 2))
	require.NotEmpty(t, w.store.took(), "a cut answer is not remembered")
}

// The tail is asked again after ten seconds, so that late data in it shows; late data in an
// interval that has ended shows when a hint tells of it, and makes that interval alone old.
func TestSplit_LateData(t *testing.T) {
	t.Parallel()
	w := newSplitWorld(t)
	to := w.clock()
	from := to.Add(-3 * time.Hour)
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		w.point(t, "shop", at, float64(at.Unix()-from.Unix()))
	}
	in := queryserver.TimeRange{From: from, To: to}
	first := w.same(t, w.query(t, queryserver.AggregateAvg, in, 100))
	w.store.took()

	w.point(t, "late", to.Add(-20*time.Second), 1)
	again, err := w.cached.QueryMetrics(t.Context(), w.scope, w.query(t, queryserver.AggregateAvg, in, 100))
	require.NoError(t, err)
	require.Equal(t, first, again, "within ten seconds it may be what it was")
	w.pass(11 * time.Second)
	require.Len(t, w.same(t, w.query(t, queryserver.AggregateAvg, in, 100)).Series, 2)
	asked := w.store.took()
	require.Len(t, asked, 1)
	require.True(t, asked[0].From.After(to.Add(-12*time.Minute)), "the tail alone: %v", asked)

	late := to.Add(-time.Hour).Truncate(time.Hour).Add(-30 * time.Minute)
	w.point(t, "older", late, 1)
	w.cached.Heard(w.Tenant.Tenant, queryserver.Metrics, queryserver.TimeRange{From: late, To: late})
	w.pass(9*time.Minute + 40*time.Second)
	_, err = w.cached.QueryMetrics(t.Context(), w.scope, w.query(t, queryserver.AggregateAvg, in, 100))
	require.NoError(t, err)
	w.store.took()
	w.pass(15 * time.Second) // the documented frequency: a new ten minutes begin
	require.Len(t, w.same(t, w.query(t, queryserver.AggregateAvg, in, 100)).Series, 3)
	old := 0
	for _, asked := range w.store.took() {
		if asked.From.Before(to.Add(-15 * time.Minute)) {
			old++
			require.Equal(t, late.Truncate(time.Hour), asked.From, "generations are of hours")
			require.LessOrEqual(t, asked.To.Sub(asked.From), time.Hour+queryserver.MetricLookBack+10*time.Minute)
		}
	}
	require.Equal(t, 1, old, "what is old lies side by side, and is asked for at once")
}
