package cache_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// asked is a store that notes what it is asked.
type asked struct {
	queryserver.Telemetry
	ranges []queryserver.TimeRange
	calls  int
}

func (a *asked) LogRecords(context.Context, queryserver.Scope, queryserver.LogQuery) ([]queryserver.LogRecord, error) {
	a.calls++
	value := queryserver.Value{Type: "kvlist", JSON: []byte(`{"a":9007199254740993}`), OTLP: []byte(`{"kvlistValue":{}}`)}
	return []queryserver.LogRecord{{
		IngestID: 1<<64 - 1, Timestamp: time.Unix(0, 1).UTC(), Body: value, Attributes: []queryserver.Attribute{{Key: "k", Value: value}},
	}}, nil
}

func (a *asked) LogHistogram(_ context.Context, _ queryserver.Scope, q queryserver.LogSeries) (buckets []queryserver.LogBucket, _ error) {
	a.ranges = append(a.ranges, q.In)
	for at := q.In.From; at.Before(q.In.To); at = at.Add(q.Step) {
		buckets = append(buckets, queryserver.LogBucket{Start: at, Total: uint64(at.Unix())})
	}
	return buckets, nil
}

func (a *asked) LogFields(context.Context, queryserver.Scope, queryserver.TimeRange, queryserver.Search) (queryserver.LogFieldList, error) {
	a.calls++
	return queryserver.LogFieldList{Truncated: true}, nil
}

func (a *asked) ExportLogs(context.Context, queryserver.Scope, queryserver.LogQuery) (iter.Seq2[[]queryserver.LogRecord, error], error) {
	a.calls++
	return func(func([]queryserver.LogRecord, error) bool) {}, nil
}

func seeing(of tenant.ID, filter ...queryserver.Predicate) queryserver.Scope {
	grants := map[queryserver.Permission]queryserver.Filter{queryserver.LogsRead: {}}
	if len(filter) > 0 {
		grants[queryserver.LogsRead] = queryserver.Union(filter)
	}
	return queryserver.NewScope(tenant.ID{9}, tenant.Scope{Workspace: tenant.ID{8}, Tenant: of}, grants)
}

func remembered(t *testing.T) (*asked, *cache.Telemetry) {
	t.Helper()
	next := &asked{}
	return next, cache.NewTelemetry(setup(t).instance(t).Cache, next)
}

// Pages are remembered by tenant, by what the caller sees, and by the whole question.
func TestTelemetry_LogRecords(t *testing.T) {
	t.Parallel()
	next, answers := remembered(t)
	q := queryserver.LogQuery{In: queryserver.TimeRange{From: time.Unix(0, 0), To: time.Unix(60, 0)}, Limit: 10}
	ask := func(scope queryserver.Scope, q queryserver.LogQuery, calls int) {
		t.Helper()
		records, err := answers.LogRecords(t.Context(), scope, q)
		require.NoError(t, err)
		require.Equal(t, calls, next.calls)
		require.Equal(t, queryserver.IngestID(1<<64-1), records[0].IngestID)
		require.JSONEq(t, `{"a":9007199254740993}`, string(records[0].Attributes[0].JSON))
	}
	ask(seeing(acme), q, 1)
	ask(seeing(acme), q, 1)
	ask(seeing(other), q, 2)
	ask(seeing(acme, queryserver.Predicate{Dimension: "service", Values: []string{"a"}}), q, 3)
	searched := q
	searched.Search = queryserver.Search{Op: queryserver.SearchMatch, Match: &queryserver.Match{Is: queryserver.Contains, Any: []queryserver.SearchValue{{Text: "x"}}}}
	ask(seeing(acme), searched, 4)
	after := q
	after.After = &queryserver.LogPosition{Timestamp: time.Unix(30, 0), IngestID: 3}
	ask(seeing(acme), after, 5)
	ask(seeing(acme), searched, 5)

	for range 2 {
		_, err := answers.LogFields(t.Context(), seeing(acme), q.In, queryserver.Search{})
		require.NoError(t, err)
		_, err = answers.ExportLogs(t.Context(), seeing(acme), q)
		require.NoError(t, err)
	}
	require.Equal(t, 9, next.calls, "what is cut, and exports, are not remembered")
}

// A histogram whose range moves on asks for its end alone.
func TestTelemetry_LogHistogram(t *testing.T) {
	t.Parallel()
	next, answers := remembered(t)
	hour := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	ask := func(by string, from, to time.Duration) []queryserver.LogBucket {
		t.Helper()
		next.ranges = nil
		in := queryserver.TimeRange{From: hour.Add(from), To: hour.Add(to)}
		buckets, err := answers.LogHistogram(t.Context(), seeing(acme), queryserver.LogSeries{In: in, Step: time.Minute, By: by, Limit: 10})
		require.NoError(t, err)
		require.Len(t, buckets, int((to-from)/time.Minute))
		for i, bucket := range buckets {
			require.True(t, bucket.Start.Equal(in.From.Add(time.Duration(i)*time.Minute)))
			require.Equal(t, uint64(bucket.Start.Unix()), bucket.Total)
		}
		return buckets
	}
	ask("level", 5*time.Minute, 65*time.Minute)
	require.Equal(t, []queryserver.TimeRange{{From: hour, To: hour.Add(time.Hour)}, {From: hour.Add(time.Hour), To: hour.Add(2 * time.Hour)}}, next.ranges)
	ask("level", 6*time.Minute, 66*time.Minute)
	require.Empty(t, next.ranges)
	ask("level", 70*time.Minute, 130*time.Minute)
	require.Equal(t, []queryserver.TimeRange{{From: hour.Add(2 * time.Hour), To: hour.Add(3 * time.Hour)}}, next.ranges)
	ask("host", 5*time.Minute, 65*time.Minute)
	require.Len(t, next.ranges, 1, "the most frequent values depend on the range")
}
