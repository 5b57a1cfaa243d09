package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// contextRange is how far from a record its neighbours are looked for.
const contextRange = 24 * time.Hour

// LogContext gives the records around one, of its service unless all are asked for.
func (s *Store) LogContext(ctx context.Context, scope queryserver.Scope, q queryserver.LogNeighbours) (around queryserver.LogSurroundings, err error) {
	r, query, err := recordQuery(scope, q.At)
	if err != nil {
		return around, err
	}
	found, err := collect(ctx, s, r, query, scanRecord)
	if err != nil {
		return around, err
	}
	if len(found) == 0 {
		return around, queryserver.Errorf(queryserver.NotFound, "there is no such log record")
	}
	around.Record = found[0]
	if around.Before, err = s.neighbours(ctx, scope, around.Record, q.AllServices, false, q.Before); err != nil {
		return around, err
	}
	slices.Reverse(around.Before)
	around.After, err = s.neighbours(ctx, scope, around.Record, q.AllServices, true, q.After)
	return around, err
}

func recordQuery(scope queryserver.Scope, at queryserver.LogPosition) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.LogsRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query, err := r.of(logs())
	query.Columns, query.Limit = recordColumns(), 1
	query.Where = append(query.Where, chsql.SQL("timestamp = ?", chsql.Time(at.Timestamp)), chsql.SQL("ingest_id = ?", chsql.UInt64(at.IngestID)))
	return r, query, err
}

func (s *Store) neighbours(ctx context.Context, scope queryserver.Scope, of queryserver.LogRecord, all, later bool, limit int) ([]queryserver.LogRecord, error) {
	if limit == 0 {
		return []queryserver.LogRecord{}, nil
	}
	at := of.Position()
	query := queryserver.LogQuery{
		In:          queryserver.TimeRange{From: of.Timestamp.Add(-contextRange), To: of.Timestamp.Add(contextRange)},
		OldestFirst: later, After: &at, Limit: limit,
	}
	if !all {
		query.Search = ofService(of.Service)
	}
	found, err := s.LogRecords(ctx, scope, query)
	if found == nil {
		found = []queryserver.LogRecord{}
	}
	return found, err
}

// ofService holds for the records of a service, or for those that name none.
func ofService(name string) queryserver.Search {
	one := queryserver.Search{Op: queryserver.SearchMatch, Match: &queryserver.Match{Field: "service", Is: queryserver.Exists}}
	if name == "" {
		return queryserver.Search{Op: queryserver.SearchNot, Of: []queryserver.Search{one}}
	}
	one.Match.Is, one.Match.Any = queryserver.Equal, []queryserver.SearchValue{{Text: name, Quoted: true}}
	return one
}
