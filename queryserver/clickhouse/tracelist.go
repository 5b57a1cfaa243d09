package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// firstWindow is how much of a time range a list looks at first: one bucket of the sort
	// key of spans.
	firstWindow = 5 * time.Minute
	// windowGrowth is how much longer the next look is when the one before found too few.
	// What is read twice is an eighth.
	windowGrowth = 8
)

// Traces lists traces of which a span passes the filter.
func (s *Store) Traces(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery) (queryserver.TraceList, error) {
	find := s.newestTraces
	if query.Order == queryserver.SlowestFirst {
		find = s.slowestTraces
	}
	positions, err := find(ctx, scope, query)
	if err != nil || len(positions) == 0 {
		return queryserver.TraceList{}, err
	}
	return s.summaries(ctx, scope, query.In, positions)
}

// newestTraces looks at the newest part of the time range, and at more of it until it has
// found enough. A trace stands where its first span is, so that one which has another span
// before the part belongs further back.
func (s *Store) newestTraces(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery) ([]queryserver.TracePosition, error) {
	whole := query.In
	if query.After != nil {
		if end := time.Unix(0, query.After.At).UTC().Add(1); end.Before(whole.To) {
			whole.To = end
		}
	}
	for length := firstWindow; ; length *= windowGrowth {
		part := queryserver.TimeRange{From: later(whole.From, whole.To.Add(-length)), To: whole.To}
		query.In = part
		found, err := s.positions(ctx, scope, query, newestQuery)
		if err != nil || !whole.From.Before(part.From) {
			return found, err
		}
		if len(found) > query.Limit {
			if found, err = s.beginningIn(ctx, scope, query, queryserver.TimeRange{From: whole.From, To: part.From}, found); err != nil || len(found) > query.Limit {
				return found, err
			}
		}
	}
}

// beginningIn leaves out the traces that have a span before.
func (s *Store) beginningIn(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery, before queryserver.TimeRange, found []queryserver.TracePosition) ([]queryserver.TracePosition, error) {
	r, earlierSpans, err := presentQuery(scope, query.SpanFilter, before, found)
	if err != nil {
		return nil, err
	}
	begun := make(map[queryserver.TraceID]bool)
	err = s.ask(ctx, r, earlierSpans, func(rows driver.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var id queryserver.TraceID
		if err := id.UnmarshalText([]byte(text)); err != nil {
			return err
		}
		begun[id] = true
		return nil
	})
	var kept []queryserver.TracePosition
	for _, position := range found {
		if !begun[position.TraceID] {
			kept = append(kept, position)
		}
	}
	return kept, err
}

// slowestTraces orders all traces of the time range by the time from their first to their
// last moment within it.
func (s *Store) slowestTraces(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery) ([]queryserver.TracePosition, error) {
	return s.positions(ctx, scope, query, slowestQuery)
}

type positionsQuery func(queryserver.Scope, queryserver.TraceQuery) (*reading, chsql.Select, error)

func (s *Store) positions(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery, make positionsQuery) ([]queryserver.TracePosition, error) {
	r, statement, err := make(scope, query)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, statement, func(rows driver.Rows, into *queryserver.TracePosition) error {
		var text string
		if err := rows.Scan(&text, &into.At); err != nil {
			return err
		}
		return into.TraceID.UnmarshalText([]byte(text))
	})
}

// spansOf begins a SELECT from the spans that pass a filter.
func spansOf(scope queryserver.Scope, filter queryserver.SpanFilter) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.TracesRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query, _, err := r.first(spans())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	conditions, err := spanConditions(r, filter)
	query.Where = append(append(query.Where, within(filter.In)), conditions...)
	return r, query, err
}

func newestQuery(scope queryserver.Scope, query queryserver.TraceQuery) (*reading, chsql.Select, error) {
	r, from, err := spansOf(scope, query.SpanFilter)
	pageOfTraces(&from, query, chsql.SQL("toUnixTimestamp64Nano(min(timestamp))"))
	return r, from, err
}

func slowestQuery(scope queryserver.Scope, query queryserver.TraceQuery) (*reading, chsql.Select, error) {
	r, from, err := spansOf(scope, queryserver.SpanFilter{In: query.In})
	if err != nil {
		return nil, from, err
	}
	pageOfTraces(&from, query, chsql.SQL("max(?) - toUnixTimestamp64Nano(min(timestamp))", spanEnd()))
	conditions, err := spanConditions(r, query.SpanFilter)
	if len(conditions) > 0 {
		from.Having = chsql.And(from.Having, chsql.SQL("countIf(?) > 0", chsql.And(conditions...)))
	}
	return r, from, err
}

// pageOfTraces makes a page of traces, by a position and their id, both descending.
func pageOfTraces(from *chsql.Select, query queryserver.TraceQuery, position chsql.Expr) {
	from.Columns = chsql.List{chsql.SQL("lower(hex(trace_id))"), chsql.SQL("? AS position", position)}
	from.GroupBy = chsql.List{chsql.SQL("trace_id")}
	from.OrderBy = chsql.List{chsql.SQL("position DESC"), chsql.SQL("trace_id DESC")}
	from.Limit = query.Limit + 1
	if after := query.After; after != nil {
		from.Having = chsql.SQL("position < ? OR position = ? AND trace_id < ?", chsql.Int64(after.At), chsql.Int64(after.At), rawID(after.TraceID))
	}
}

// presentQuery finds which of some traces have a span that passes a filter in a time range.
func presentQuery(scope queryserver.Scope, filter queryserver.SpanFilter, in queryserver.TimeRange, found []queryserver.TracePosition) (*reading, chsql.Select, error) {
	filter.In = in
	r, query, err := spansOf(scope, filter)
	query.Where = append(query.Where, isOneOf(traceIDsOf(found)))
	query.Columns = chsql.List{chsql.SQL("DISTINCT lower(hex(trace_id))")}
	return r, query, err
}

func traceIDsOf(positions []queryserver.TracePosition) []queryserver.TraceID {
	ids := make([]queryserver.TraceID, len(positions))
	for i, position := range positions {
		ids[i] = position.TraceID
	}
	return ids
}
