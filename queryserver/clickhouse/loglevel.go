package clickhouse

import (
	"slices"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// levelNames are the ranges of severity numbers: four numbers each, from 1
// (OpenTelemetry, Logs Data Model, field SeverityNumber).
var levelNames = []string{"trace", "debug", "info", "warn", "error", "fatal"} //nolint:gochecknoglobals // a constant

const (
	levelsPerName = 4
	// unspecified is what records without a severity count under.
	unspecified = "unspecified"
)

// levelColumn is the severity, by number or by name. A name is a range: error is 17 to 20.
type levelColumn struct{}

func (levelColumn) present() chsql.Expr { return chsql.SQL("severity_number != 0") }

// text is the name of the range.
func (levelColumn) text() chsql.Expr {
	return chsql.SQL("transform(intDiv(severity_number + 3, 4), [1, 2, 3, 4, 5, 6], ?, ?)", chsql.Strings(levelNames), chsql.String(unspecified))
}

func (c levelColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	text := chsql.SQL("severity_text")
	var parts []chsql.Expr
	for _, v := range m.Any {
		low, high, known := levelRange(v)
		switch {
		case known && !isPattern(m.Is):
			parts = append(parts, inLevel(m.Is, low, high))
		case isEquality(m.Is) && !v.Prefix:
			// A name of the sender's own.
			parts = append(parts, chsql.SQL("severity_text != '' AND lower(severity_text) = ?", chsql.String(strings.ToLower(v.Text))))
		case isEquality(m.Is) || isPattern(m.Is):
			one := *m
			one.Any = []queryserver.SearchValue{v}
			if m.Is == queryserver.NotEqual {
				one.Is = queryserver.Equal
			}
			parts = append(parts, compareText(text, chsql.Expr{}, &one))
		default:
			return chsql.Expr{}, searchFault("level", "is compared with a number or with "+strings.Join(levelNames, ", "))
		}
	}
	switch {
	case m.Is == queryserver.NotEqual:
		return chsql.And(c.present(), chsql.Not(chsql.Or(parts...))), nil
	case isPattern(m.Is):
		return chsql.And(chsql.SQL("severity_text != ''"), chsql.Or(parts...)), nil
	}
	return chsql.Or(parts...), nil
}

func isPattern(is queryserver.Comparison) bool {
	return is == queryserver.Matches || is == queryserver.MatchesNot
}

// inLevel compares the number with a range. None is no level.
func inLevel(is queryserver.Comparison, low, high int64) chsql.Expr {
	number := chsql.SQL("severity_number")
	switch is {
	case queryserver.Greater, queryserver.AtMost:
		low = high
	case queryserver.AtLeast, queryserver.Less:
	default:
		return chsql.SQL("severity_number BETWEEN ? AND ?", chsql.Int64(low), chsql.Int64(high))
	}
	return chsql.And(chsql.SQL("severity_number != 0"), ordered(number, is, chsql.Int64(low)))
}

// levelRange reads error, ERROR3, warning or 17.
func levelRange(v queryserver.SearchValue) (low, high int64, known bool) {
	if v.Prefix {
		return 0, 0, false
	}
	if number, err := strconv.ParseInt(v.Text, 10, 32); err == nil {
		return number, number, true
	}
	name := strings.ToLower(v.Text)
	if name == "warning" {
		name = "warn"
	}
	nth := int64(0)
	if last := len(name) - 1; last > 0 && name[last] >= '2' && name[last] <= '4' {
		nth, name = int64(name[last]-'1'), name[:last]
	}
	at := slices.Index(levelNames, name)
	if at < 0 {
		return 0, 0, false
	}
	low = int64(at*levelsPerName) + 1
	if nth > 0 {
		return low + nth, low + nth, true
	}
	return low, low + levelsPerName - 1, true
}
