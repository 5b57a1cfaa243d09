package cache_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// spanStore is a store whose one trace has so many spans. Other questions it does not know.
type spanStore struct {
	queryserver.Telemetry
	spans, asked atomic.Int64
	truncated    bool
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func (s *spanStore) TraceBounds(context.Context, queryserver.Scope, queryserver.TraceID, queryserver.TimeRange) (queryserver.TraceBounds, error) {
	return queryserver.TraceBounds{In: queryserver.TimeRange{From: noon, To: noon.Add(time.Second)}, SpanCount: 1}, nil // as if nobody counted
}

func (s *spanStore) Trace(context.Context, queryserver.Scope, queryserver.TraceID, queryserver.TimeRange) (queryserver.Trace, error) {
	s.asked.Add(1)
	return queryserver.Trace{Truncated: s.truncated, SpanSet: queryserver.SpanSet{Spans: make([]queryserver.Span, s.spans.Load())}}, nil
}

// reader is a scope that sees all spans of a tenant, or those of a service.
func reader(services ...string) queryserver.Scope {
	var predicates []queryserver.Predicate
	if len(services) > 0 {
		predicates = append(predicates, queryserver.Predicate{Dimension: "service", Values: services})
	}
	return queryserver.NewScope(acme, tenant.Scope{Workspace: tenant.ID{3}, Tenant: acme}, map[queryserver.Permission]queryserver.Filter{queryserver.TracesRead: queryserver.Union(predicates)})
}

func (w *world) hint(t *testing.T, of tenant.ID, from, to time.Time) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"tenantId": of, "signal": "traces", "minTime": from, "maxTime": to})
	require.NoError(t, err)
	require.NoError(t, w.client.Publish(t.Context(), "traces:new", text).Err())
}

// Rule 28: a trace is remembered until a hint covers its time, and then late spans show
// within 10 s. Hints of other tenants and hours change nothing.
func TestTelemetry_Trace_LateSpans(t *testing.T) {
	t.Parallel()
	w := setup(t)
	store := &spanStore{}
	store.spans.Store(1)
	answers := cache.NewTelemetry(w.instance(t).Cache, store)
	answers.Follow()
	require.Eventually(t, func() bool { // its subscription makes all old that was before it
		return w.client.PubSubNumSub(t.Context(), "traces:new").Val()["traces:new"] == 1
	}, patience, time.Millisecond)
	count := func(scope queryserver.Scope) int {
		got, err := answers.Trace(t.Context(), scope, queryserver.TraceID{1}, queryserver.TimeRange{})
		require.NoError(t, err)
		return len(got.Spans)
	}
	// The subscription itself made old what was known before the next full second.
	last, since := int64(0), time.Now()
	require.Eventually(t, func() bool {
		count(reader())
		if asked := store.asked.Load(); asked != last {
			last, since = asked, time.Now()
		}
		return time.Since(since) > 1500*time.Millisecond
	}, patience, 100*time.Millisecond)
	store.spans.Store(2) // nobody has told
	w.hint(t, other, noon, noon)
	w.hint(t, acme, noon.Add(-3*time.Hour), noon.Add(-2*time.Hour))
	require.Never(t, func() bool { return count(reader()) != 1 }, 2500*time.Millisecond, 100*time.Millisecond)
	require.Equal(t, 2, count(reader("shop")), "who sees something else asks for himself")

	begun := time.Now()
	w.hint(t, acme, noon.Add(-time.Minute), noon.Add(time.Minute))
	require.Eventually(t, func() bool { return count(reader()) == 2 }, 10*time.Second, 50*time.Millisecond)
	require.Less(t, time.Since(begun), 10*time.Second)
}

// What was cut is asked for each time.
func TestTelemetry_Trace_Truncated(t *testing.T) {
	t.Parallel()
	store := &spanStore{truncated: true}
	answers := cache.NewTelemetry(setup(t).instance(t).Cache, store)
	for i := range 3 {
		_, err := answers.Trace(t.Context(), reader(), queryserver.TraceID{1}, queryserver.TimeRange{})
		require.NoError(t, err)
		require.EqualValues(t, i+1, store.asked.Load())
	}
}
