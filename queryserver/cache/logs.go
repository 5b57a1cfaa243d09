package cache

import (
	"context"
	"iter"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// logViews are the kinds of answers about logs.
type logViews struct {
	pages   *View[answer[[]queryserver.LogRecord]]
	buckets *View[answer[[]queryserver.LogBucket]]
	groups  *View[answer[queryserver.LogGroupList]]
	fields  *View[answer[queryserver.LogFieldList]]
}

func newLogViews(c *Cache) logViews {
	return logViews{
		pages: answers[[]queryserver.LogRecord](c, "logs", logsLife), buckets: answers[[]queryserver.LogBucket](c, "logs_histogram", logsLife),
		groups: answers[queryserver.LogGroupList](c, "logs_groups", logsLife), fields: answers[queryserver.LogFieldList](c, "logs_fields", logsLife),
	}
}

// ofLogs is a question about the logs of a time range.
func ofLogs(in queryserver.TimeRange, rest any) question {
	return question{signals: []queryserver.Signal{queryserver.Logs}, in: in, rest: rest}
}

// LogRecords is that of queryserver.LogReader.
func (t *Telemetry) LogRecords(ctx context.Context, scope queryserver.Scope, q queryserver.LogQuery) ([]queryserver.LogRecord, error) {
	return ask(ctx, t, t.logs.pages, scope, ofLogs(q.In, q), func(ctx context.Context) ([]queryserver.LogRecord, error) {
		return t.next.LogRecords(ctx, scope, q)
	})
}

// stepsPerPiece is how many steps of a histogram are remembered as one answer.
const stepsPerPiece = 60

// LogHistogram is that of queryserver.LogReader. By level it is put together of pieces
// that lie the same for all ranges, so that a range that moves on finds all but its end.
// The most frequent values of other fields depend on the whole range.
func (t *Telemetry) LogHistogram(ctx context.Context, scope queryserver.Scope, q queryserver.LogSeries) ([]queryserver.LogBucket, error) {
	if q.By != "level" {
		return t.piece(ctx, scope, q)
	}
	var all []queryserver.LogBucket
	long := q.Step * stepsPerPiece
	for from := q.In.From.Truncate(long); from.Before(q.In.To); from = from.Add(long) {
		part := q
		part.In = queryserver.TimeRange{From: from, To: from.Add(long)}
		buckets, err := t.piece(ctx, scope, part)
		if err != nil {
			return nil, err
		}
		all = append(all, between(buckets, q.In)...)
	}
	return all, nil
}

func (t *Telemetry) piece(ctx context.Context, scope queryserver.Scope, q queryserver.LogSeries) ([]queryserver.LogBucket, error) {
	return ask(ctx, t, t.logs.buckets, scope, ofLogs(q.In, q), func(ctx context.Context) ([]queryserver.LogBucket, error) {
		return t.next.LogHistogram(ctx, scope, q)
	})
}

// between are the buckets that begin in a range.
func between(buckets []queryserver.LogBucket, in queryserver.TimeRange) []queryserver.LogBucket {
	first := 0
	for first < len(buckets) && buckets[first].Start.Before(in.From) {
		first++
	}
	last := first
	for last < len(buckets) && buckets[last].Start.Before(in.To) {
		last++
	}
	return buckets[first:last]
}

// LogGroups is that of queryserver.LogReader.
func (t *Telemetry) LogGroups(ctx context.Context, scope queryserver.Scope, q queryserver.LogGroups) (queryserver.LogGroupList, error) {
	return ask(ctx, t, t.logs.groups, scope, ofLogs(q.In, q), func(ctx context.Context) (queryserver.LogGroupList, error) {
		return t.next.LogGroups(ctx, scope, q)
	})
}

// LogFields is that of queryserver.LogReader.
func (t *Telemetry) LogFields(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search) (queryserver.LogFieldList, error) {
	return ask(ctx, t, t.logs.fields, scope, ofLogs(in, search), func(ctx context.Context) (queryserver.LogFieldList, error) {
		return t.next.LogFields(ctx, scope, in, search)
	})
}

// LogContext is that of queryserver.LogReader; it is not remembered, since hardly anybody
// asks for the same record twice.
func (t *Telemetry) LogContext(ctx context.Context, scope queryserver.Scope, q queryserver.LogNeighbours) (queryserver.LogSurroundings, error) {
	return t.next.LogContext(ctx, scope, q)
}

// ExportLogs is that of queryserver.LogReader; exports are not remembered.
func (t *Telemetry) ExportLogs(ctx context.Context, scope queryserver.Scope, q queryserver.LogQuery) (iter.Seq2[[]queryserver.LogRecord, error], error) {
	return t.next.ExportLogs(ctx, scope, q)
}
