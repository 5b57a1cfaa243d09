package clickhouse

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxFields is how many names of fields an answer has: more help nobody, and attributes
// with ids in their keys would make any number.
const maxFields = 1000

// LogFields are the fields that records have, the most frequent first.
func (s *Store) LogFields(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search) (queryserver.LogFieldList, error) {
	list := queryserver.LogFieldList{Items: []queryserver.LogField{}}
	r, query, err := fieldsQuery(scope, in, search)
	if err != nil {
		return list, err
	}
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var one queryserver.LogField
		if err := rows.Scan(&one.In, &one.Name, &one.Count); err != nil {
			return err
		}
		if len(list.Items) == maxFields {
			list.Truncated = true
			return nil
		}
		list.Items = append(list.Items, one)
		return nil
	})
	return list, err
}

// fieldsQuery unfolds the keys of each record. A key counts once per record.
func fieldsQuery(scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search) (*reading, chsql.Select, error) {
	r, query, fields, err := searchLogs(scope, in, search)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	own := chsql.List{}
	for _, name := range []string{"service", "level", "severity_text", "body", "event_name", "trace_id", "span_id", "scope.name", "scope.version"} {
		own = append(own, chsql.SQL("if(?, ?, '')", fields(name).present(), chsql.String(name)))
	}
	query.Columns = chsql.List{chsql.SQL("arrayJoin(arrayConcat(?, ?, ?)) AS field",
		chsql.SQL("arrayMap(k -> ('record', k), arrayFilter(k -> k != '', [?]))", own),
		chsql.SQL("arrayMap(k -> ('attributes', k), arrayDistinct(CAST(mapKeys(log_attributes), 'Array(String)')))"),
		chsql.SQL("arrayMap(k -> ('resource', k), arrayDistinct(CAST(mapKeys(resource_attributes), 'Array(String)')))"),
	)}
	inner := query.Expr()
	return r, chsql.Select{
		Columns: chsql.List{chsql.SQL("field.1"), chsql.SQL("field.2"), chsql.SQL("count()")},
		From:    chsql.SQL("(?)", inner), GroupBy: chsql.List{chsql.SQL("field")},
		OrderBy: chsql.List{chsql.SQL("count() DESC"), chsql.SQL("field")}, Limit: maxFields + 1,
	}, nil
}
