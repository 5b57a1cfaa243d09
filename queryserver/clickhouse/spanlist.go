package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Spans lists spans, newest first: first where they are, which reads few columns, then what
// they are.
func (s *Store) Spans(ctx context.Context, scope queryserver.Scope, query queryserver.SpanQuery) (queryserver.SpanPage, error) {
	positions, err := s.newestSpans(ctx, scope, query)
	if err != nil || len(positions) == 0 {
		return queryserver.SpanPage{SpanSet: newSpanSet().SpanSet}, err
	}
	return s.spansAt(ctx, scope, positions)
}

// newestSpans looks at the newest part of the time range, and at more until it has enough.
func (s *Store) newestSpans(ctx context.Context, scope queryserver.Scope, query queryserver.SpanQuery) ([]queryserver.SpanPosition, error) {
	whole := query.In
	if query.After != nil {
		if end := time.Unix(0, query.After.At).UTC().Add(1); end.Before(whole.To) {
			whole.To = end
		}
	}
	for length := firstWindow; ; length *= windowGrowth {
		query.In = queryserver.TimeRange{From: later(whole.From, whole.To.Add(-length)), To: whole.To}
		r, statement, err := newestSpansQuery(scope, query)
		if err != nil {
			return nil, err
		}
		found, err := collect(ctx, s, r, statement, scanPosition)
		if err != nil || len(found) > query.Limit || !whole.From.Before(query.In.From) {
			return found, err
		}
	}
}

func scanPosition(rows driver.Rows, into *queryserver.SpanPosition) error {
	return rows.Scan(&into.At, &into.IngestID)
}

func newestSpansQuery(scope queryserver.Scope, query queryserver.SpanQuery) (*reading, chsql.Select, error) {
	r, from, err := spansOf(scope, query.SpanFilter)
	from.Columns = chsql.List{chsql.SQL("toUnixTimestamp64Nano(timestamp)"), chsql.SQL("ingest_id")}
	from.OrderBy = chsql.List{chsql.SQL("timestamp DESC"), chsql.SQL("ingest_id DESC")}
	from.Limit = query.Limit + 1
	if after := query.After; after != nil {
		at := chsql.Time(time.Unix(0, after.At))
		from.Where = append(from.Where, chsql.SQL("timestamp < ? OR timestamp = ? AND ingest_id < ?", at, at, chsql.UInt64(after.IngestID)))
	}
	return r, from, err
}

// spansAt reads whole spans at their positions, of which there is at least one.
func (s *Store) spansAt(ctx context.Context, scope queryserver.Scope, positions []queryserver.SpanPosition) (queryserver.SpanPage, error) {
	r, query, err := spansAtQuery(scope, positions)
	if err != nil {
		return queryserver.SpanPage{}, err
	}
	wanted := make(map[queryserver.SpanPosition]bool, len(positions))
	for _, position := range positions {
		wanted[position] = true
	}
	set, page := newSpanSet(), queryserver.SpanPage{}
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var row spanRow
		if err := row.scan(rows); err != nil {
			return err
		}
		if !wanted[row.position()] {
			return nil
		}
		page.Positions = append(page.Positions, row.position())
		return set.add(&row)
	})
	page.SpanSet = set.SpanSet
	return page, err
}

func spansAtQuery(scope queryserver.Scope, positions []queryserver.SpanPosition) (*reading, chsql.Select, error) {
	first, last := positions[0].At, positions[0].At
	ids := make([]uint64, len(positions))
	for i, position := range positions {
		first, last, ids[i] = min(first, position.At), max(last, position.At), position.IngestID
	}
	r, query, err := spansOf(scope, queryserver.SpanFilter{In: queryserver.TimeRange{From: time.Unix(0, first), To: time.Unix(0, last).Add(1)}})
	query.Where = append(query.Where, chsql.SQL("ingest_id IN ?", chsql.UInt64s(ids)))
	query.Columns = spanColumns()
	query.OrderBy = chsql.List{chsql.SQL("timestamp DESC"), chsql.SQL("ingest_id DESC")}
	return r, query, err
}
