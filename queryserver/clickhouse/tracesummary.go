package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// summaryDays is how far outside the time range of a list its traces are summed up, from
	// the table of traces: what lies further away is not counted.
	summaryDays = 24 * time.Hour
	// spanReach is the same where spans are read, which cost more.
	spanReach = time.Hour
)

// summary is a trace as the statements below give it.
type summary struct {
	queryserver.TraceSummary
	id       queryserver.TraceID
	rootless bool
}

// summaries sums up traces, in the order of their positions. Those that the table of traces
// does not tell of, or not their root, are summed up from their spans.
func (s *Store) summaries(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, positions []queryserver.TracePosition) (queryserver.TraceList, error) {
	known := make(map[queryserver.TraceID]summary)
	if filter, _ := scope.Sees(queryserver.TracesRead); filter.Everything() {
		if err := s.addSummaries(ctx, scope, in, traceIDsOf(positions), known, summariesQuery); err != nil {
			return queryserver.TraceList{}, err
		}
	}
	var open []queryserver.TraceID
	for _, position := range positions {
		if one, found := known[position.TraceID]; !found || one.rootless {
			open = append(open, position.TraceID)
		}
	}
	if len(open) > 0 {
		if err := s.addSummaries(ctx, scope, in, open, known, spanSummariesQuery); err != nil {
			return queryserver.TraceList{}, err
		}
	}
	var listed queryserver.TraceList
	for _, position := range positions {
		if one, found := known[position.TraceID]; found { // else it was deleted just now
			listed.Items, listed.Positions = append(listed.Items, one.TraceSummary), append(listed.Positions, position)
		}
	}
	return listed, nil
}

type manyTracesQuery func(queryserver.Scope, queryserver.TimeRange, []queryserver.TraceID) (*reading, chsql.Select, error)

func (s *Store) addSummaries(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, ids []queryserver.TraceID, to map[queryserver.TraceID]summary, make manyTracesQuery) error {
	r, query, err := make(scope, in, ids)
	if err != nil {
		return err
	}
	return s.ask(ctx, r, query, func(rows driver.Rows) error {
		var one summary
		if err := one.scan(rows); err != nil {
			return err
		}
		if whole, known := to[one.id]; known { // the spans tell of the root what the table did not
			whole.RootService, whole.RootOperation, whole.RootMissing = one.RootService, one.RootOperation, one.RootMissing
			one = whole
		}
		to[one.id] = one
		return nil
	})
}

func (s *summary) scan(rows driver.Rows) error {
	var first, last int64
	if err := rows.Scan(&s.TraceID, &first, &last, &s.SpanCount, &s.ErrorCount, &s.RootService, &s.RootOperation, &s.rootless, &s.Services); err != nil {
		return err
	}
	s.Start, s.Duration, s.RootMissing = time.Unix(0, first).UTC(), max(0, last-first), s.rootless
	slices.Sort(s.Services)
	return s.id.UnmarshalText([]byte(s.TraceID))
}

func summariesQuery(scope queryserver.Scope, in queryserver.TimeRange, ids []queryserver.TraceID) (*reading, chsql.Select, error) {
	r, err := read(scope, queryserver.TracesRead)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query, err := r.of(traces())
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Where = append(query.Where, chsql.SQL("day >= ? AND day <= ?", chsql.Date(in.From.Add(-summaryDays)), chsql.Date(in.To.Add(summaryDays))), isOneOf(ids))
	query.Columns = chsql.List{
		chsql.SQL("lower(hex(trace_id))"), chsql.SQL("toUnixTimestamp64Nano(min(start_time))"), chsql.SQL("toUnixTimestamp64Nano(max(end_time))"),
		chsql.SQL("sum(span_count)"), chsql.SQL("sum(error_count)"), chsql.SQL("max(root_service_name) AS root"), chsql.SQL("max(root_span_name) AS operation"),
		chsql.SQL("root = '' AND operation = ''"), chsql.SQL("groupUniqArrayArray(services)"),
	}
	query.GroupBy = chsql.List{chsql.SQL("trace_id")}
	return r, query, nil
}

func spanSummariesQuery(scope queryserver.Scope, in queryserver.TimeRange, ids []queryserver.TraceID) (*reading, chsql.Select, error) {
	r, query, err := spansOf(scope, queryserver.SpanFilter{In: queryserver.TimeRange{From: in.From.Add(-spanReach), To: in.To.Add(spanReach)}})
	query.Where = append(query.Where, isOneOf(ids))
	query.Columns = chsql.List{
		chsql.SQL("lower(hex(trace_id))"), chsql.SQL("toUnixTimestamp64Nano(min(timestamp))"), chsql.SQL("max(?)", spanEnd()),
		chsql.SQL("count()"), chsql.SQL("countIf(status_code = 2)"),
		// Roots come first, then the earliest.
		chsql.SQL("argMin(toString(service_name), (NOT ?, timestamp))", noParent()), chsql.SQL("argMin(toString(span_name), (NOT ?, timestamp))", noParent()),
		chsql.SQL("countIf(?) = 0", noParent()), chsql.SQL("groupUniqArray(toString(service_name))"),
	}
	query.GroupBy = chsql.List{chsql.SQL("trace_id")}
	return r, query, err
}
