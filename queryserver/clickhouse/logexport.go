package clickhouse

import (
	"context"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// exportPiece is how many records an export reads at once: they are held in memory, but no
// connection to the engine is held while a slow reader takes them.
const exportPiece = 2000

// ExportLogs gives all records in pieces.
func (s *Store) ExportLogs(ctx context.Context, scope queryserver.Scope, q queryserver.LogQuery) (iter.Seq2[[]queryserver.LogRecord, error], error) {
	if err := s.checkExport(ctx, scope, q); err != nil {
		return nil, err
	}
	q.Limit = exportPiece
	return func(yield func([]queryserver.LogRecord, error) bool) {
		for {
			records, err := s.LogRecords(ctx, scope, q)
			if err != nil || len(records) == 0 {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			if !yield(records, nil) || len(records) < exportPiece {
				return
			}
			last := records[len(records)-1].Position()
			q.After = &last
		}
	}, nil
}

// checkExport counts first, so that no export ends before its end.
func (s *Store) checkExport(ctx context.Context, scope queryserver.Scope, q queryserver.LogQuery) error {
	r, query, err := exportCountQuery(scope, q, s.exportRows)
	if err != nil {
		return err
	}
	counts, err := collect(ctx, s, r, query, func(rows driver.Rows, n *uint64) error { return rows.Scan(n) })
	if err != nil {
		return err
	}
	if counts[0] > uint64(s.exportRows) {
		return queryserver.Errorf(queryserver.Invalid, "the export has more than %d items: take a shorter time range or more filters", s.exportRows)
	}
	return nil
}

func exportCountQuery(scope queryserver.Scope, q queryserver.LogQuery, rows int) (*reading, chsql.Select, error) {
	r, query, _, err := searchLogs(scope, q.In, q.Search)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns, query.Limit = chsql.List{chsql.SQL("1")}, rows+1
	return r, chsql.Select{Columns: chsql.List{chsql.SQL("count()")}, From: chsql.SQL("(?)", query.Expr())}, nil
}
