package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// scanner reads texts, at a position in bytes.
type scanner struct {
	text string
	at   int
}

func (s *scanner) rest() string { return s.text[s.at:] }

// skipBlanks says whether there were any.
func (s *scanner) skipBlanks() bool {
	trimmed := strings.TrimLeftFunc(s.rest(), unicode.IsSpace)
	skipped := len(s.rest()) > len(trimmed)
	s.at = len(s.text) - len(trimmed)
	return skipped
}

// take moves over a text if it comes next.
func (s *scanner) take(text string) bool {
	if !strings.HasPrefix(s.rest(), text) {
		return false
	}
	s.at += len(text)
	return true
}

// takeWord is take for keywords: a blank, a parenthesis, a quote or the end must follow.
func (s *scanner) takeWord(keyword string) bool {
	after, found := strings.CutPrefix(s.rest(), keyword)
	if found {
		next, _ := utf8.DecodeRuneInString(after)
		found = after == "" || endsWord(next)
	}
	if found {
		s.at += len(keyword)
	}
	return found
}

// operators, each before those that it begins with.
var operators = []queryserver.Comparison{ //nolint:gochecknoglobals // a constant
	queryserver.Matches, queryserver.MatchesNot, queryserver.NotEqual, queryserver.AtLeast, queryserver.AtMost,
	queryserver.Contains, queryserver.Equal, queryserver.Greater, queryserver.Less,
}

// operator is the one that comes next, or none.
func (s *scanner) operator() queryserver.Comparison {
	for _, operator := range operators {
		if strings.HasPrefix(s.rest(), string(operator)) {
			return operator
		}
	}
	return ""
}

func endsWord(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' }

// word is what comes before the next blank, parenthesis or quote, and, if asked, operator.
func (s *scanner) word(untilOperator bool) string {
	from := s.at
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.rest())
		if endsWord(r) || untilOperator && s.operator() != "" {
			break
		}
		s.at += size
	}
	return s.text[from:s.at]
}

var unescape = map[byte]byte{'"': '"', '\\': '\\', 'n': '\n', 'r': '\r', 't': '\t'} //nolint:gochecknoglobals // a constant

// quoted reads a text in quotes, the first of which has been taken.
func (s *scanner) quoted() (string, *fault) {
	var text strings.Builder
	from := s.at - 1
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return text.String(), nil
		case '\\':
			s.at++
			if s.at == len(s.text) {
				continue
			}
			escaped, known := unescape[s.text[s.at]]
			if !known {
				return "", &fault{s.at - 1, `\", \\, \n, \r or \t`}
			}
			text.WriteByte(escaped)
		default:
			text.WriteByte(c)
		}
	}
	return "", &fault{from, "a text that its quote ends"}
}
