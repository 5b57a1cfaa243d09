package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Trace is one trace: the bounds from the summaries, where the caller may see those, then
// the spans within the bounds.
func (s *Store) Trace(ctx context.Context, scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (queryserver.Trace, error) {
	bounds, err := s.knownBounds(ctx, scope, id, in)
	if err != nil {
		return queryserver.Trace{}, err
	}
	r, query, err := traceQuery(scope, id, bounds, s.limits.TraceSpans+1)
	if err != nil {
		return queryserver.Trace{}, err
	}
	set, truncated := newSpanSet(), false
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var row spanRow
		if err := row.scan(rows); err != nil {
			return err
		}
		if truncated = len(set.Spans) == s.limits.TraceSpans; truncated {
			return nil
		}
		return set.add(&row)
	})
	if err != nil {
		return queryserver.Trace{}, err
	}
	if len(set.Spans) == 0 {
		return queryserver.Trace{}, errNoTrace()
	}
	arrange(set.Spans)
	return queryserver.Trace{TraceID: set.Spans[0].TraceID, SpanSet: set.SpanSet, Truncated: truncated}, nil
}

// TraceBounds is the extent of a trace.
func (s *Store) TraceBounds(ctx context.Context, scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (queryserver.TraceBounds, error) {
	r, query, err := traceBoundsQuery(scope, id, in)
	if err != nil {
		return queryserver.TraceBounds{}, err
	}
	var found queryserver.TraceBounds
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var first, last int64
		if err := rows.Scan(&first, &last, &found.SpanCount); err != nil {
			return err
		}
		found.In = queryserver.TimeRange{From: time.Unix(0, first).UTC(), To: time.Unix(0, max(first, last)).UTC().Add(1)}
		return nil
	})
	if err == nil && found.SpanCount == 0 {
		err = errNoTrace()
	}
	return found, err
}

func errNoTrace() error { return queryserver.Errorf(queryserver.NotFound, "there is no such trace") }

// knownBounds are the bounds that cost little to know: those of a summary. For a caller
// whose view is limited there is none, and the bounds are what he says himself.
func (s *Store) knownBounds(ctx context.Context, scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (queryserver.TimeRange, error) {
	filter, _ := scope.Sees(queryserver.TracesRead)
	if !filter.Everything() {
		return in, nil
	}
	bounds, err := s.TraceBounds(ctx, scope, id, in)
	return overlap(in, bounds.In), err
}

// overlap is what two time ranges have in common; a zero one is all time.
func overlap(a, b queryserver.TimeRange) queryserver.TimeRange {
	if a == (queryserver.TimeRange{}) {
		return b
	}
	to := a.To
	if b.To.Before(to) {
		to = b.To
	}
	return queryserver.TimeRange{From: later(a.From, b.From), To: to}
}

// traceBoundsQuery reads the summaries of a trace, one per day, or else its spans. A trace that
// begins before a time range or ends after it counts whole in the summaries.
func traceBoundsQuery(scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.TracesRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	summaries := traces()
	query, from, err := r.first(summaries, spans())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Where = append(query.Where, isTrace(id))
	if from == summaries {
		query.Columns = chsql.List{chsql.SQL("toUnixTimestamp64Nano(min(start_time))"), chsql.SQL("toUnixTimestamp64Nano(max(end_time))"), chsql.SQL("sum(span_count)")}
		if in != (queryserver.TimeRange{}) {
			query.Where = append(query.Where, chsql.SQL("day >= ? AND day <= ?", chsql.Date(in.From), chsql.Date(in.To)))
		}
		return r, query, nil
	}
	query.Columns = chsql.List{chsql.SQL("toUnixTimestamp64Nano(min(timestamp))"), chsql.SQL("max(?)", spanEnd()), chsql.SQL("count()")}
	if in != (queryserver.TimeRange{}) {
		query.Where = append(query.Where, within(in))
	}
	return r, query, nil
}

// spanEnd is when a span ended, in nanoseconds.
func spanEnd() chsql.Expr {
	return chsql.SQL("toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano)")
}

// traceQuery reads the spans of a trace, earliest first.
func traceQuery(scope queryserver.Scope, id queryserver.TraceID, in queryserver.TimeRange, limit int) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.TracesRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query, _, err := r.first(spans())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	if in != (queryserver.TimeRange{}) {
		query.Where = append(query.Where, within(in))
	}
	query.Where = append(query.Where, isTrace(id))
	query.Columns, query.Limit = spanColumns(), limit
	query.OrderBy = chsql.List{chsql.SQL("timestamp"), chsql.SQL("ingest_id")}
	return r, query, nil
}
