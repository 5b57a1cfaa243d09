package clickhouse

import (
	"regexp"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// containsWords is true when a text has the words of a value as words of its own, and the
// value as it is, whatever the case. The index over words (docs/storage.md) passes over
// what lacks one of them.
//
// The index knows words of letters and digits, in lower case of ASCII only. Words with
// other letters are looked for without it.
func containsWords(x chsql.Expr, v queryserver.SearchValue) chsql.Expr {
	words := strings.FieldsFunc(v.Text, func(r rune) bool { return !inWord(r) })
	if v.Prefix && len(words) > 0 && strings.HasSuffix(v.Text, words[len(words)-1]) {
		words = words[:len(words)-1] // the last one may go on
	}
	var parts []chsql.Expr
	for _, word := range words {
		if isASCII(word) {
			parts = append(parts, chsql.SQL("hasToken(lower(?), ?)", x, chsql.String(strings.ToLower(word))))
		}
	}
	// A single word is found exactly by hasToken.
	if len(parts) != 1 || v.Prefix || !isASCII(v.Text) || len(words[0]) != len(v.Text) {
		parts = append(parts, asWritten(x, v))
	}
	return chsql.And(parts...)
}

// asWritten is true when a text has a value, the last word of which may go on if it is a
// prefix, in any case.
func asWritten(x chsql.Expr, v queryserver.SearchValue) chsql.Expr {
	switch {
	case v.Prefix:
		return chsql.SQL("match(?, ?)", x, chsql.String(`(?i)(?:^|[^\pL\pN])`+regexp.QuoteMeta(v.Text)))
	case isASCII(v.Text):
		return chsql.SQL("position(lower(?), ?) > 0", x, chsql.String(strings.ToLower(v.Text)))
	default:
		return chsql.SQL("positionCaseInsensitiveUTF8(?, ?) > 0", x, chsql.String(v.Text))
	}
}

// inWord is ClickHouse's splitByNonAlpha: digits and letters of ASCII, and all else above.
func inWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > maxASCII
}

const maxASCII = '\x7f'

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > maxASCII })
}
