package clickhouse

import (
	"encoding/hex"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// textColumn is a column of strings, in which an empty one is none.
type textColumn struct{ x chsql.Expr }

func (c textColumn) present() chsql.Expr { return chsql.SQL("? != ''", c.x) }
func (c textColumn) text() chsql.Expr    { return chsql.SQL("toString(?)", c.x) }

func (c textColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	return chsql.And(c.present(), compareText(c.x, chsql.Expr{}, m)), nil
}

// wordsColumn is a text in which : looks for words.
type wordsColumn struct{ textColumn }

func (c wordsColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	if m.Is != queryserver.Contains {
		return c.textColumn.compare(m)
	}
	parts := make([]chsql.Expr, len(m.Any))
	for i, v := range m.Any {
		parts[i] = containsWords(c.x, v)
	}
	return chsql.Or(parts...), nil
}

// numberColumn is a column of numbers that is always there.
type numberColumn struct {
	name string
	x    chsql.Expr
}

func (c numberColumn) present() chsql.Expr { return chsql.SQL("true") }
func (c numberColumn) text() chsql.Expr    { return chsql.SQL("toString(?)", c.x) }

func (c numberColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	return compareNumber(c.name, c.x, m)
}

// idColumn is an id of so many bytes, of which zeros are none. People write it in hex.
type idColumn struct {
	name  string
	x     chsql.Expr
	bytes int
}

func (c idColumn) present() chsql.Expr {
	return chsql.SQL("? != ?", c.x, chsql.String(strings.Repeat("\x00", c.bytes)))
}

func (c idColumn) text() chsql.Expr {
	return chsql.SQL("if(?, lower(hex(?)), '')", c.present(), c.x)
}

// compare compares the bytes where it can, which is what the index holds.
func (c idColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	var equal []chsql.Expr
	for _, v := range m.Any {
		raw, err := hex.DecodeString(v.Text)
		switch {
		case v.Prefix || m.Is == queryserver.Matches || m.Is == queryserver.MatchesNot:
			lower := *m
			if v.Prefix {
				lower.Any = []queryserver.SearchValue{{Text: strings.ToLower(v.Text), Prefix: true}}
			}
			equal = append(equal, compareText(c.text(), chsql.Expr{}, &lower))
		case err != nil || len(raw) != c.bytes || !isEquality(m.Is):
			return chsql.Expr{}, searchFault(c.name, "is compared by equality, with hexadecimal ids of full length or with prefixes")
		case m.Is == queryserver.NotEqual:
			equal = append(equal, chsql.SQL("? != ?", c.x, chsql.String(string(raw))))
		default:
			equal = append(equal, chsql.SQL("? = ?", c.x, chsql.String(string(raw))))
		}
	}
	if m.Is == queryserver.NotEqual {
		return chsql.And(c.present(), chsql.And(equal...)), nil
	}
	return chsql.And(c.present(), chsql.Or(equal...)), nil
}

func isEquality(is queryserver.Comparison) bool {
	return is == queryserver.Contains || is == queryserver.Equal || is == queryserver.NotEqual
}
