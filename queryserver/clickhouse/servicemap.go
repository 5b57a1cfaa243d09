package clickhouse

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxEdges bounds a service map: a thousand services that each call some others. More is no
// map any more.
const maxEdges = 5000

// ServiceMap joins the spans of callers and callees. Both sides come through the caller's
// view, so that a service that he may not see has no edge. When there are more spans than
// limits::map_spans, only each n-th trace is looked at.
func (s *Store) ServiceMap(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) (queryserver.ServiceMap, error) {
	found := queryserver.ServiceMap{SampledOneIn: 1, Edges: []queryserver.ServiceEdge{}}
	r, query, err := mapSizeQuery(scope, in)
	if err != nil {
		return found, err
	}
	var size uint64
	if err := s.ask(ctx, r, query, func(rows driver.Rows) error { return rows.Scan(&size) }); err != nil {
		return found, err
	}
	if most := uint64(s.limits.MapSpans); size > most {
		found.SampledOneIn = (size + most - 1) / most
	}
	if r, query, err = mapQuery(scope, in, found.SampledOneIn); err != nil {
		return found, err
	}
	found.Edges, err = collect(ctx, s, r, query, func(rows driver.Rows, into *queryserver.ServiceEdge) error {
		var kind int32
		err := rows.Scan(&into.Caller, &into.Callee, &kind, &into.Calls, &into.Errors, &into.P95)
		into.Kind = kindName(kind)
		into.Calls *= found.SampledOneIn
		into.Errors *= found.SampledOneIn
		return err
	})
	if found.Truncated = len(found.Edges) > maxEdges; found.Truncated {
		found.Edges = found.Edges[:maxEdges]
	}
	return found, err
}

// mapSizeQuery counts the spans that the join would read.
func mapSizeQuery(scope queryserver.Scope, in queryserver.TimeRange) (*reading, chsql.Select, error) {
	r, query, err := spansOf(scope, queryserver.SpanFilter{In: in})
	query.Where = append(query.Where, chsql.SQL("span_kind IN (2, 3, 4, 5)"))
	query.Columns = chsql.List{chsql.SQL("count()")}
	return r, query, err
}

func mapQuery(scope queryserver.Scope, in queryserver.TimeRange, oneIn uint64) (*reading, chsql.Select, error) {
	r, callees, err := mapSide(scope, in, oneIn)
	if err != nil {
		return nil, callees, err
	}
	callees.Where = append(callees.Where, chsql.SQL("span_kind IN (2, 5)"), chsql.Not(noParent()))
	callees.Columns = chsql.List{chsql.SQL("trace_id"), chsql.SQL("parent_span_id"), chsql.SQL("toString(service_name) AS service"), chsql.SQL("span_kind"), chsql.SQL("status_code"), chsql.SQL("duration_nano")}
	_, callers, err := mapSide(scope, in, oneIn)
	callers.Where = append(callers.Where, chsql.SQL("span_kind IN (3, 4)"))
	callers.Columns = chsql.List{chsql.SQL("trace_id"), chsql.SQL("span_id"), chsql.SQL("toString(service_name) AS service"), chsql.SQL("if(span_kind = 3, 2, 5) AS awaited")}
	return r, chsql.Select{
		Columns: chsql.List{
			chsql.SQL("caller.service"), chsql.SQL("callee.service"), chsql.SQL("callee.span_kind"), chsql.SQL("count()"),
			chsql.SQL("countIf(callee.status_code = 2)"), chsql.SQL("quantile(0.95)(callee.duration_nano)"),
		},
		// ANY: a span that was sent twice is one caller.
		From:    chsql.SQL("(?) AS callee ANY INNER JOIN (?) AS caller ON callee.trace_id = caller.trace_id AND callee.parent_span_id = caller.span_id AND callee.span_kind = caller.awaited", callees.Expr(), callers.Expr()),
		GroupBy: chsql.List{chsql.SQL("caller.service"), chsql.SQL("callee.service"), chsql.SQL("callee.span_kind")},
		OrderBy: chsql.List{chsql.SQL("caller.service"), chsql.SQL("callee.service"), chsql.SQL("callee.span_kind")},
		Limit:   maxEdges + 1,
	}, err
}

// mapSide begins a side of the join. A trace is sampled whole, on both sides.
func mapSide(scope queryserver.Scope, in queryserver.TimeRange, oneIn uint64) (*reading, chsql.Select, error) {
	r, query, err := spansOf(scope, queryserver.SpanFilter{In: in})
	if oneIn > 1 {
		query.Where = append(query.Where, chsql.SQL("cityHash64(trace_id) % ? = 0", chsql.UInt64(oneIn)))
	}
	return r, query, err
}
