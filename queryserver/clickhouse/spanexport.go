package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// exportSpans is how many spans one statement of an export gives: some MB.
	exportSpans = 5000
	// longestExportWindow bounds what one statement of an export sorts.
	longestExportWindow = 24 * time.Hour
)

// ExportSpans gives spans from one window of time after the other. Each window is read in
// pages; windows grow while they are nearly empty and shrink again when one was full.
func (s *Store) ExportSpans(ctx context.Context, scope queryserver.Scope, filter queryserver.SpanFilter, receive func(queryserver.SpanSet) error) error {
	whole, length := filter.In, firstWindow
	for from := whole.From; from.Before(whole.To); {
		filter.In = queryserver.TimeRange{From: from, To: earlier(from.Add(length), whole.To)}
		count, err := s.exportWindow(ctx, scope, filter, receive)
		if err != nil {
			return err
		}
		from = filter.In.To
		switch {
		case count < exportSpans/windowGrowth:
			length = min(length*windowGrowth, longestExportWindow)
		case count > exportSpans:
			length = max(length/windowGrowth, firstWindow)
		}
	}
	return nil
}

func (s *Store) exportWindow(ctx context.Context, scope queryserver.Scope, filter queryserver.SpanFilter, receive func(queryserver.SpanSet) error) (count int, err error) {
	for after := (*queryserver.SpanPosition)(nil); ; {
		r, query, err := exportQuery(scope, filter, after)
		if err != nil {
			return count, err
		}
		var last queryserver.SpanPosition
		set := newSpanSet()
		err = s.ask(ctx, r, query, func(rows driver.Rows) error {
			var row spanRow
			if err := row.scan(rows); err != nil {
				return err
			}
			last = row.position()
			return set.add(&row)
		})
		if err != nil {
			return count, err
		}
		if count += len(set.Spans); len(set.Spans) > 0 {
			if err := receive(set.SpanSet); err != nil {
				return count, err
			}
		}
		if len(set.Spans) < exportSpans {
			return count, nil
		}
		after = &last
	}
}

func exportQuery(scope queryserver.Scope, filter queryserver.SpanFilter, after *queryserver.SpanPosition) (*reading, chsql.Select, error) {
	r, query, err := spansOf(scope, filter)
	if after != nil {
		at := chsql.Time(time.Unix(0, after.At))
		query.Where = append(query.Where, chsql.SQL("timestamp > ? OR timestamp = ? AND ingest_id > ?", at, at, chsql.UInt64(after.IngestID)))
	}
	query.Columns, query.Limit = spanColumns(), exportSpans
	query.OrderBy = chsql.List{chsql.SQL("timestamp"), chsql.SQL("ingest_id")}
	return r, query, err
}
