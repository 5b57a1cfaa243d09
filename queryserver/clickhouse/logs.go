package clickhouse

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// LogRecords are records in the order of (Timestamp, IngestID).
func (s *Store) LogRecords(ctx context.Context, scope queryserver.Scope, q queryserver.LogQuery) ([]queryserver.LogRecord, error) {
	r, query, err := logsQuery(scope, q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s, r, query, scanRecord)
}

// searchLogs begins a SELECT of the records of a time range for which a search holds.
func searchLogs(scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search) (*reading, chsql.Select, columns, error) {
	r, err := read(scope, queryserver.LogsRead)
	if err != nil {
		return nil, chsql.Select{}, nil, err
	}
	query, err := r.of(logs())
	if err != nil {
		return nil, chsql.Select{}, nil, err
	}
	fields := logColumns(r, in)
	condition, err := fields.condition(search)
	if err != nil {
		return nil, chsql.Select{}, nil, err
	}
	query.Where = append(query.Where, within(in), condition)
	return r, query, fields, nil
}

// logsQuery reads in the order of the sort key, in which the five minutes of a timestamp
// come before the service: the engine ends when it has a page, and has sorted only the
// records of the last five minutes that it has looked at.
func logsQuery(scope queryserver.Scope, q queryserver.LogQuery) (*reading, chsql.Select, error) {
	r, query, _, err := searchLogs(scope, q.In, q.Search)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns, query.Limit = recordColumns(), q.Limit
	if q.OldestFirst {
		query.OrderBy = chsql.List{chsql.SQL("toStartOfFiveMinutes(timestamp)"), chsql.SQL("timestamp"), chsql.SQL("ingest_id")}
	} else {
		query.OrderBy = chsql.List{chsql.SQL("toStartOfFiveMinutes(timestamp) DESC"), chsql.SQL("timestamp DESC"), chsql.SQL("ingest_id DESC")}
	}
	if q.After != nil {
		query.Where = append(query.Where, after(*q.After, q.OldestFirst))
	}
	return r, query, nil
}

// after is what follows a position in a list.
func after(at queryserver.LogPosition, oldestFirst bool) chsql.Expr {
	t, id := chsql.Time(at.Timestamp), chsql.UInt64(at.IngestID)
	if oldestFirst {
		return chsql.SQL("timestamp >= ? AND (timestamp > ? OR ingest_id > ?)", t, t, id)
	}
	return chsql.SQL("timestamp <= ? AND (timestamp < ? OR ingest_id < ?)", t, t, id)
}
