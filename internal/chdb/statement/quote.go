package statement

import (
	"strconv"
	"strings"
)

// unquote returns what a quoted token stands for.
func unquote(s string) string {
	if len(s) < 2 || !strings.ContainsRune("'`\"", rune(s[0])) || s[len(s)-1] != s[0] {
		return s
	}
	quote, body := s[0], s[1:len(s)-1]
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\\' && i+1 < len(body):
			i++
			if body[i] == 'x' && i+2 < len(body) {
				if c, err := strconv.ParseUint(body[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(c))
					i += 2
					continue
				}
			}
			b.WriteByte(unescape(body[i]))
		case body[i] == quote:
			i++ // doubled
			b.WriteByte(quote)
		default:
			b.WriteByte(body[i])
		}
	}
	return b.String()
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	default:
		return c
	}
}
