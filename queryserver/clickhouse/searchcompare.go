package clickhouse

import (
	"math"
	"regexp"
	"strconv"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// compareText compares a String with what a match names. Types is the expression that
// names the value's type, as in the columns …_types; nothing where all values are strings.
func compareText(x, types chsql.Expr, m *queryserver.Match) chsql.Expr {
	switch m.Is {
	case queryserver.Contains, queryserver.Equal:
		return equalText(x, types, m.Any)
	case queryserver.NotEqual:
		return chsql.Not(equalText(x, types, m.Any))
	case queryserver.Matches:
		return chsql.SQL("match(?, ?)", x, chsql.String(m.Any[0].Text))
	case queryserver.MatchesNot:
		return chsql.SQL("NOT match(?, ?)", x, chsql.String(m.Any[0].Text))
	default:
		return orderText(x, m.Is, m.Any[0])
	}
}

// equalText is true when the text is one of the values. A quoted one is a string.
func equalText(x, types chsql.Expr, values []queryserver.SearchValue) chsql.Expr {
	var any, strings []string
	var parts []chsql.Expr
	for _, v := range values {
		switch {
		case v.Prefix:
			parts = append(parts, chsql.SQL("startsWith(?, ?)", x, chsql.String(v.Text)))
		case v.Quoted && !types.IsZero():
			strings = append(strings, v.Text)
		default:
			any = append(any, spellings(v)...)
		}
	}
	if len(any) > 0 {
		parts = append(parts, chsql.SQL("? IN ?", x, chsql.Strings(any)))
	}
	if len(strings) > 0 {
		parts = append(parts, chsql.SQL("? IN ? AND ? IN ('', 'string')", x, chsql.Strings(strings), types))
	}
	return chsql.Or(parts...)
}

// spellings are the texts that a value may stand in the table as: a number that is not
// quoted also as the exporter writes the integer and the double.
func spellings(v queryserver.SearchValue) []string {
	texts := []string{v.Text}
	add := func(text string) {
		if texts[len(texts)-1] != text && texts[0] != text {
			texts = append(texts, text)
		}
	}
	if number, is := numberOf(v); is {
		if number == math.Trunc(number) && math.Abs(number) < maxExact {
			add(strconv.FormatInt(int64(number), 10))
		}
		add(strconv.FormatFloat(number, 'g', -1, 64))
	}
	return texts
}

// maxExact bounds the integers of which each is a double of its own.
const maxExact = 1 << 53

var decimal = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)

// numberOf is the number that a value means, if it does.
func numberOf(v queryserver.SearchValue) (float64, bool) {
	if v.Quoted || v.Prefix || !decimal.MatchString(v.Text) {
		return 0, false
	}
	number, _ := strconv.ParseFloat(v.Text, 64) // too large a number is an infinity
	return number, true
}

// orderText compares as numbers if the value is one; what is no number then does not
// match. Integers are compared exactly. Other values are compared as texts.
func orderText(x chsql.Expr, is queryserver.Comparison, v queryserver.SearchValue) chsql.Expr {
	number, isNumber := numberOf(v)
	if !isNumber {
		return ordered(x, is, chsql.String(v.Text))
	}
	double := chsql.SQL("ifNull(?, false)", ordered(chsql.SQL("toFloat64OrNull(?)", x), is, chsql.Float64(number)))
	whole, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil {
		return double
	}
	return chsql.SQL("ifNull(?, ?)", ordered(chsql.SQL("toInt64OrNull(?)", x), is, chsql.Int64(whole)), double)
}

// ordered is one of > >= < <=.
func ordered(x chsql.Expr, is queryserver.Comparison, v chsql.Arg) chsql.Expr {
	switch is {
	case queryserver.Greater:
		return chsql.SQL("? > ?", x, v)
	case queryserver.AtLeast:
		return chsql.SQL("? >= ?", x, v)
	case queryserver.Less:
		return chsql.SQL("? < ?", x, v)
	default:
		return chsql.SQL("? <= ?", x, v)
	}
}

// compareNumber compares a column of integers. Prefixes and regular expressions look at
// its decimal digits.
func compareNumber(name string, x chsql.Expr, m *queryserver.Match) (chsql.Expr, error) {
	digits := chsql.SQL("toString(?)", x)
	if m.Is == queryserver.Matches || m.Is == queryserver.MatchesNot {
		return compareText(digits, chsql.Expr{}, m), nil
	}
	var parts []chsql.Expr
	for _, v := range m.Any {
		if v.Prefix {
			parts = append(parts, chsql.SQL("startsWith(?, ?)", digits, chsql.String(v.Text)))
			continue
		}
		number, is := numberOf(v)
		switch {
		case !is:
			return chsql.Expr{}, searchFault(name, "is compared with numbers")
		case m.Is == queryserver.Contains || m.Is == queryserver.Equal || m.Is == queryserver.NotEqual:
			parts = append(parts, chsql.SQL("? = ?", x, chsql.Float64(number)))
		default:
			parts = append(parts, ordered(x, m.Is, chsql.Float64(number)))
		}
	}
	if m.Is == queryserver.NotEqual {
		return chsql.Not(chsql.Or(parts...)), nil
	}
	return chsql.Or(parts...), nil
}
