package statement

import (
	"strconv"
	"strings"
)

// Kind is what has to be done with a statement.
type Kind uint8

const (
	// Empty has no token.
	Empty Kind = iota
	// Select returns rows: SELECT, WITH, FROM, VALUES, or a parenthesis.
	Select
	// InsertData is an INSERT whose data follows the statement.
	InsertData
	// Read returns rows about the schema or a plan: SHOW, DESCRIBE, EXPLAIN,
	// EXISTS, CHECK.
	Read
	// Set is SET name = value, …, which without a session ends with the request.
	Set
	// Use is USE database, likewise.
	Use
	// Kill is KILL QUERY.
	Kill
	// Refused is a statement that would end or leave the engine.
	Refused
	// Other is everything else: DDL, INSERT … SELECT, SYSTEM.
	Other
)

// Statement is a parsed statement.
type Statement struct {
	Kind Kind
	// Text is the statement without a last semicolon and, for InsertData,
	// without FORMAT and data.
	Text string
	// Format is the FORMAT clause's format, or "".
	Format string
	// Data is the offset in the source of an InsertData's data.
	Data int
	// Changes are the assignments of a Set.
	Changes map[string]string
	// Database is the database of a Use.
	Database string
	// QueryID is the id in KILL QUERY WHERE query_id = '…'.
	QueryID string
	// Temporary says that TEMPORARY occurs: a temporary table may result.
	Temporary bool
	// Reason says why a statement is refused.
	Reason string
}

// Parse looks at the first statement of sql.
func Parse(sql string) Statement {
	p := parser{lexer: lexer{sql: sql}}
	p.advance()
	return p.parse()
}

type parser struct {
	lexer
	token token
}

func (p *parser) advance() { p.token = p.next() }

func (p *parser) text(t token) string { return p.sql[t.start:t.end] }

// is reports whether the token is the keyword, in any case.
func (p *parser) is(keyword string) bool {
	return p.token.kind == word && strings.EqualFold(p.text(p.token), keyword)
}

func (p *parser) isAny(keywords ...string) bool {
	for _, keyword := range keywords {
		if p.is(keyword) {
			return true
		}
	}
	return false
}

func (p *parser) isPunctuation(c byte) bool {
	return p.token.kind == punctuation && p.sql[p.token.start] == c
}

func (p *parser) parse() Statement {
	switch {
	case p.token.kind == end:
		return Statement{Kind: Empty, Text: p.sql}
	case p.is("INSERT"):
		return p.insert()
	case p.isAny("SELECT", "WITH", "FROM", "VALUES") || p.isPunctuation('('):
		return p.scan(Select)
	case p.isAny("SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK"):
		return p.scan(Read)
	case p.is("SET"):
		return p.set()
	case p.is("USE"):
		return p.use()
	case p.is("KILL"):
		return p.kill()
	case p.is("SYSTEM"):
		return p.system()
	default:
		return p.scan(Other)
	}
}

// scan passes the rest of a statement, looking for the clauses that matter.
func (p *parser) scan(kind Kind) Statement {
	s := Statement{Kind: kind}
	last := p.token.start
	for p.token.kind != end {
		switch {
		case p.isPunctuation(';'):
			if p.atEnd() {
				s.Text = p.sql[:last]
				return s
			}
		case p.is("TEMPORARY"):
			s.Temporary = true
		case p.is("FORMAT"):
			if format := p.formatClause(); format != "" {
				s.Format = format
			}
		case p.is("INTO"):
			if p.follows("OUTFILE") {
				return refused("INTO OUTFILE writes a file of the engine's machine")
			}
		case p.is("INFILE"):
			return refused("FROM INFILE reads a file of the engine's machine")
		}
		last = p.token.end
		p.advance()
	}
	s.Text = p.sql
	return s
}

func refused(reason string) Statement { return Statement{Kind: Refused, Reason: reason} }

// atEnd reports whether nothing follows the token.
func (p *parser) atEnd() bool {
	ahead := p.lexer
	for {
		t := ahead.next()
		if t.kind == end {
			return true
		}
		if t.kind != punctuation || p.sql[t.start] != ';' {
			return false
		}
	}
}

// follows reports whether the next token is the keyword.
func (p *parser) follows(keyword string) bool {
	ahead := p.lexer
	t := ahead.next()
	return t.kind == word && strings.EqualFold(p.text(t), keyword)
}

// formatClause returns the name after FORMAT if a clause, not a column of
// that name, is what stands here.
func (p *parser) formatClause() string {
	ahead := p.lexer
	format := ahead.next()
	if format.kind != word {
		return ""
	}
	after := ahead.next()
	text := p.text(after)
	if after.kind == end || text == ";" || after.kind == word && (strings.EqualFold(text, "SETTINGS") || strings.EqualFold(text, "INTO")) {
		return p.text(format)
	}
	return ""
}

func (p *parser) set() Statement {
	start := p.lexer
	changes := map[string]string{}
	for {
		p.advance()
		if p.token.kind != word && p.token.kind != name {
			break
		}
		key := unquote(p.text(p.token))
		for p.advance(); p.isPunctuation('.'); p.advance() {
			p.advance()
			key += "." + unquote(p.text(p.token))
		}
		value := "1" // SET name alone switches it on
		if p.isPunctuation('=') {
			value = p.value()
		}
		changes[key] = value
		if !p.isPunctuation(',') {
			break
		}
	}
	if p.token.kind == end || p.isPunctuation(';') && p.atEnd() {
		if len(changes) > 0 {
			return Statement{Kind: Set, Text: p.sql, Changes: changes}
		}
	}
	p.lexer = start
	p.advance()
	return p.scan(Other)
}

// value reads a literal with an optional sign, and moves past it.
func (p *parser) value() string {
	p.advance()
	sign := ""
	if p.isPunctuation('-') || p.isPunctuation('+') {
		sign = p.text(p.token)
		p.advance()
	}
	text := p.text(p.token)
	if p.token.kind == literal {
		text = unquote(text)
	}
	p.advance()
	for p.isPunctuation('.') { // a number's fraction
		text += "."
		p.advance()
		if p.token.kind == word {
			text += p.text(p.token)
			p.advance()
		}
	}
	return sign + text
}

func (p *parser) use() Statement {
	s := p.scanFrom(Other)
	p.advance()
	if p.is("DATABASE") {
		p.advance()
	}
	if p.token.kind == word || p.token.kind == name {
		s.Database = unquote(p.text(p.token))
		p.advance()
		if p.token.kind == end || p.isPunctuation(';') && p.atEnd() {
			s.Kind = Use
		}
	}
	return s
}

// scanFrom scans the rest without moving.
func (p *parser) scanFrom(kind Kind) Statement {
	ahead := *p
	return ahead.scan(kind)
}

func (p *parser) kill() Statement {
	s := p.scanFrom(Other)
	var text []string
	for p.token.kind != end && !p.isPunctuation(';') {
		text = append(text, p.text(p.token))
		p.advance()
	}
	const want = "KILL QUERY WHERE query_id = "
	if len(text) >= 6 && len(text) <= 7 && strings.EqualFold(strings.Join(text[:5], " ")+" ", want) && strings.HasPrefix(text[5], "'") {
		s.Kind, s.QueryID = Kill, unquote(text[5])
	}
	return s
}

func (p *parser) system() Statement {
	s := p.scanFrom(Other)
	if p.advance(); p.isAny("SHUTDOWN", "KILL", "SUSPEND") {
		return refused("SYSTEM " + strings.ToUpper(p.text(p.token)) + " would end the engine: stop its process instead")
	}
	return s
}

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
