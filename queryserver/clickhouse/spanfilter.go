package clickhouse

import (
	"slices"
	"strconv"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// noParent holds for roots.
func noParent() chsql.Expr { return chsql.SQL("parent_span_id = toFixedString('', 8)") }

// spanConditions are the conditions of a filter but its time range.
func spanConditions(r *reading, f queryserver.SpanFilter) (chsql.List, error) {
	var all chsql.List
	if f.Service != "" {
		all = append(all, chsql.SQL("service_name = ?", chsql.String(f.Service)))
	}
	if f.Operation != "" {
		all = append(all, chsql.SQL("span_name = ?", chsql.String(f.Operation)))
	}
	if f.Kind != "" {
		number, err := otlpNumber(kinds(), f.Kind)
		if err != nil {
			return nil, err
		}
		all = append(all, chsql.SQL("span_kind = ?", chsql.Int64(number)))
	}
	if f.Status != "" {
		number, err := otlpNumber(statuses(), f.Status)
		if err != nil {
			return nil, err
		}
		all = append(all, chsql.SQL("status_code = ?", chsql.Int64(number)))
	}
	if f.MinDuration > 0 {
		all = append(all, chsql.SQL("duration_nano >= ?", chsql.UInt64(uint64(f.MinDuration))))
	}
	if f.MaxDuration > 0 {
		all = append(all, chsql.SQL("duration_nano <= ?", chsql.UInt64(uint64(f.MaxDuration))))
	}
	if f.Roots {
		all = append(all, noParent())
	}
	if f.Where.IsZero() {
		return all, nil
	}
	where, err := spanFields(r, f.In).condition(f.Where)
	return append(all, where), err
}

// otlpNumber is the number of a name in OTLP; numbers name themselves.
func otlpNumber[T ~string](names []T, name T) (int64, error) {
	if at := slices.Index(names, name); at >= 0 {
		return int64(at), nil
	}
	number, err := strconv.ParseInt(string(name), 10, 32)
	if err != nil {
		return 0, queryserver.Errorf(queryserver.Invalid, "%q is neither a name nor a number of OTLP", string(name))
	}
	return number, nil
}

// isTrace is the condition on the rows of one trace.
func isTrace(id queryserver.TraceID) chsql.Expr {
	return chsql.SQL("trace_id = ?", rawID(id))
}

// isOneOf is the condition on the rows of some traces. The ids are a subselect, because an
// array is not looked up in indexes.
func isOneOf(ids []queryserver.TraceID) chsql.Expr {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return chsql.SQL("trace_id IN (SELECT toFixedString(unhex(arrayJoin(?)), 16))", chsql.Strings(texts))
}

// rawID is an id as the rows hold it.
func rawID(id queryserver.TraceID) chsql.Expr {
	return chsql.SQL("toFixedString(unhex(?), 16)", chsql.String(id.String()))
}
