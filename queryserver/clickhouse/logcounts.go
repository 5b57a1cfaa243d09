package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// LogHistogram are the counts of all steps of the range, in their order.
func (s *Store) LogHistogram(ctx context.Context, scope queryserver.Scope, q queryserver.LogSeries) ([]queryserver.LogBucket, error) {
	r, query, err := histogramQuery(scope, q)
	if err != nil {
		return nil, err
	}
	buckets := make([]queryserver.LogBucket, q.In.To.Sub(q.In.From)/q.Step)
	for i := range buckets {
		buckets[i] = queryserver.LogBucket{Start: q.In.From.Add(time.Duration(i) * q.Step), Counts: make(map[string]uint64)}
	}
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var at int64
		var value string
		var listed uint8
		var count uint64
		if err := rows.Scan(&at, &value, &listed, &count); err != nil {
			return err
		}
		bucket := &buckets[at]
		bucket.Total += count
		if listed == 1 {
			bucket.Counts[value] = count
		} else {
			bucket.Other = count
		}
		return nil
	})
	return buckets, err
}

// histogramQuery counts by step and value. The most frequent values of the whole range are
// found first, so that a field of many values does not make as many groups per step.
func histogramQuery(scope queryserver.Scope, q queryserver.LogSeries) (*reading, chsql.Select, error) {
	r, query, fields, err := searchLogs(scope, q.In, q.Search)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	value := fields(q.By).text()
	listed := chsql.SQL("true")
	if _, few := fields(q.By).(levelColumn); !few {
		top := query
		top.Columns, top.GroupBy = chsql.List{value}, chsql.List{value}
		top.OrderBy, top.Limit = chsql.List{chsql.SQL("count() DESC"), value}, q.Limit
		listed = chsql.SQL("? IN (?)", value, top.Expr())
	}
	step := chsql.SQL("intDiv(toUnixTimestamp64Nano(timestamp) - ?, ?) AS step", chsql.Int64(q.In.From.UnixNano()), chsql.Int64(int64(q.Step)))
	query.Columns = chsql.List{
		step, chsql.SQL("if(listed, ?, '') AS value", value), chsql.SQL("toUInt8(?) AS listed", listed), chsql.SQL("count()"),
	}
	query.GroupBy = chsql.List{chsql.SQL("step"), chsql.SQL("value"), chsql.SQL("listed")}
	return r, query, nil
}

// LogGroups are the most frequent values of fields.
func (s *Store) LogGroups(ctx context.Context, scope queryserver.Scope, q queryserver.LogGroups) (queryserver.LogGroupList, error) {
	list := queryserver.LogGroupList{Items: []queryserver.LogGroup{}}
	r, query, err := groupsQuery(scope, q)
	if err != nil {
		return list, err
	}
	err = s.ask(ctx, r, query, func(rows driver.Rows) error {
		var one queryserver.LogGroup
		if err := rows.Scan(&one.Values, &one.Count, &list.Total); err != nil {
			return err
		}
		list.Items = append(list.Items, one)
		return nil
	})
	return list, err
}

func groupsQuery(scope queryserver.Scope, q queryserver.LogGroups) (*reading, chsql.Select, error) {
	r, query, fields, err := searchLogs(scope, q.In, q.Search)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	var values chsql.List
	for _, name := range q.By {
		values = append(values, fields(name).text())
	}
	if q.Prefix != "" {
		query.Where = append(query.Where, chsql.SQL("startsWith(?, ?)", values[0], chsql.String(q.Prefix)))
	}
	query.Columns = chsql.List{chsql.SQL("[?] AS fields", values), chsql.SQL("count() AS records"), chsql.SQL("sum(count()) OVER ()")}
	query.GroupBy = chsql.List{chsql.SQL("fields")}
	query.OrderBy, query.Limit = chsql.List{chsql.SQL("records DESC"), chsql.SQL("fields")}, q.Limit
	return r, query, nil
}
