package statement

import "strings"

// token is a piece of SQL that matters to Parse: a word, a quoted name, a
// literal, or one punctuation character. Space and comments are skipped.
type token struct {
	kind       tokenKind
	start, end int
}

type tokenKind uint8

const (
	end tokenKind = iota
	word
	name // in backticks or double quotes
	literal
	punctuation
)

type lexer struct {
	sql      string
	pos      int
	odd      bool // something was passed that the engine may cut up otherwise
	unclosed int  // heredocs whose end was looked for in vain
}

// maxUnclosed bounds the work: each such look reads the rest of the text.
const maxUnclosed = 64

// next returns the next token; the last one is of kind end.
func (l *lexer) next() token {
	l.skip()
	start := l.pos
	if start >= len(l.sql) {
		return token{kind: end, start: len(l.sql), end: len(l.sql)}
	}
	kind := punctuation
	switch c := l.sql[start]; {
	case c == '\'':
		kind = literal
		l.quoted(c)
	case c == '"' || c == '`':
		kind = name
		l.quoted(c)
	case c == '$' && l.heredoc():
		kind = literal
	case isWord(c) || c == '$':
		kind = word
		for l.pos < len(l.sql) && (isWord(l.sql[l.pos]) || l.sql[l.pos] == '$') {
			l.pos++
		}
	default:
		l.pos++
	}
	return token{kind: kind, start: start, end: l.pos}
}

// skip passes space and comments: -- …, # …, #! …, /* … */.
func (l *lexer) skip() {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch {
		case rest[0] <= ' ', rest[0] >= 0x80: // the engine passes no-break spaces and the like
			l.odd = l.odd || rest[0] == 0 || hasTypographicQuote(rest)
			l.pos++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			l.to(strings.IndexByte(rest, '\n'), 1)
		case strings.HasPrefix(rest, "/*"):
			l.comment(rest)
		case strings.HasPrefix(rest, "//"), rest[0] == '#':
			l.odd = true // a comment to some versions only
			return
		default:
			return
		}
	}
}

// comment passes /* … */. Whether one may hold another depends on the version.
func (l *lexer) comment(rest string) {
	length := strings.Index(rest[2:], "*/")
	l.to(length, 4)
	if length < 0 || strings.Contains(rest[2:length+2], "/*") {
		l.odd = true
	}
}

// hasTypographicQuote: ‘ ’ “ ” quote as ' and " do, in some versions.
func hasTypographicQuote(s string) bool {
	return len(s) > 2 && s[:2] == "\xe2\x80" && s[2] >= 0x98 && s[2] <= 0x9f
}

// to moves past what was found at index with a length, or to the end.
func (l *lexer) to(index, length int) {
	if index < 0 {
		l.pos = len(l.sql)
		return
	}
	l.pos += index + length
}

// quoted passes a quoted token; a backslash or a doubled quote escapes.
func (l *lexer) quoted(quote byte) {
	for l.pos++; l.pos < len(l.sql); l.pos++ {
		switch l.sql[l.pos] {
		case '\\':
			l.pos++
		case quote:
			l.pos++
			if l.pos >= len(l.sql) || l.sql[l.pos] != quote {
				return
			}
		}
	}
	l.pos = len(l.sql)
}

// heredoc passes $tag$ … $tag$.
func (l *lexer) heredoc() bool {
	rest := l.sql[l.pos:]
	length := strings.IndexByte(rest[1:], '$')
	if length < 0 {
		return false
	}
	tag := rest[:length+2]
	for i := 1; i < len(tag)-1; i++ {
		if !isWord(tag[i]) {
			l.odd = true
			return false
		}
	}
	if l.unclosed >= maxUnclosed {
		l.odd = true
		return false
	}
	close := strings.Index(rest[len(tag):], tag)
	if close < 0 {
		l.unclosed++
		return false
	}
	l.pos += close + 2*len(tag)
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
