package clickhouse

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// spanFields are the fields of spans in the search language.
func spanFields(r *reading, in queryserver.TimeRange) columns {
	own := attributes{
		values: chsql.SQL("span_attributes"), types: chsql.SQL("span_attribute_types"),
		items: chsql.SQL("arrayMap((k, v) -> concat(k, '=', v), mapKeys(span_attributes), mapValues(span_attributes))"),
	}
	return func(name string) column {
		switch name {
		case "":
			return wordsColumn{textColumn{chsql.SQL("concat(span_name, ' ', status_message)")}}
		case "service", "service.name":
			return textColumn{chsql.SQL("service_name")}
		case "operation", "name":
			return textColumn{chsql.SQL("span_name")}
		case "kind":
			return enumColumn{name, chsql.SQL("span_kind"), spellingsOf(kinds())}
		case "status":
			return enumColumn{name, chsql.SQL("status_code"), spellingsOf(statuses())}
		case "status_message":
			return wordsColumn{textColumn{chsql.SQL("status_message")}}
		case "duration":
			return durationColumn{chsql.SQL("duration_nano")}
		case "trace_id":
			return idColumn{name, chsql.SQL("trace_id"), traceIDBytes}
		case "span_id":
			return idColumn{name, chsql.SQL("span_id"), spanIDBytes}
		case "parent_span_id":
			return idColumn{name, chsql.SQL("parent_span_id"), spanIDBytes}
		case "scope.name":
			return textColumn{chsql.SQL("scope_name")}
		case "scope.version":
			return textColumn{chsql.SQL("scope_version")}
		}
		if key, is := strings.CutPrefix(name, "resource."); is {
			return attributeColumn{resourceAttributes(), key}
		}
		if key, is := strings.CutPrefix(name, "attributes."); is {
			return attributeColumn{own, key}
		}
		return itemColumn{attributeColumn{own, name}, attributeColumn{resourceAttributes(), name}, inResource(r, spans(), in)}
	}
}

func spellingsOf[T ~string](names []T) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return texts
}

// enumColumn is a number that has names, from 0.
type enumColumn struct {
	name  string
	x     chsql.Expr
	names []string
}

func (c enumColumn) present() chsql.Expr { return chsql.SQL("? != 0", c.x) }

func (c enumColumn) text() chsql.Expr {
	numbers := make([]uint64, len(c.names))
	for i := range numbers {
		numbers[i] = uint64(i)
	}
	return chsql.SQL("transform(?, ?, ?, toString(?))", c.x, chsql.UInt64s(numbers), chsql.Strings(c.names), c.x)
}

func (c enumColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	if !isEquality(m.Is) {
		return chsql.Expr{}, searchFault(c.name, "is compared by equality")
	}
	var parts []chsql.Expr
	for _, v := range m.Any {
		number := slices.Index(c.names, strings.ToUpper(v.Text))
		if number < 0 {
			given, err := strconv.ParseInt(v.Text, 10, 32)
			if err != nil || v.Prefix {
				return chsql.Expr{}, searchFault(c.name, "is a number or one of "+strings.Join(c.names, ", "))
			}
			number = int(given)
		}
		parts = append(parts, chsql.SQL("? = ?", c.x, chsql.Int64(int64(number))))
	}
	if m.Is == queryserver.NotEqual {
		return chsql.Not(chsql.Or(parts...)), nil
	}
	return chsql.Or(parts...), nil
}

// durationColumn is nanoseconds, which people write as 250ms or 1.5s.
type durationColumn struct{ x chsql.Expr }

func (c durationColumn) present() chsql.Expr { return chsql.SQL("true") }
func (c durationColumn) text() chsql.Expr    { return chsql.SQL("toString(?)", c.x) }

func (c durationColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	var parts []chsql.Expr
	for _, v := range m.Any {
		length, err := time.ParseDuration(v.Text)
		if err != nil || v.Prefix || length < 0 || isPattern(m.Is) {
			return chsql.Expr{}, searchFault("duration", "is compared with durations such as 250ms or 1.5s")
		}
		nanoseconds := chsql.UInt64(uint64(length))
		if isEquality(m.Is) {
			parts = append(parts, chsql.SQL("? = ?", c.x, nanoseconds))
		} else {
			parts = append(parts, ordered(c.x, m.Is, nanoseconds))
		}
	}
	if m.Is == queryserver.NotEqual {
		return chsql.Not(chsql.Or(parts...)), nil
	}
	return chsql.Or(parts...), nil
}
