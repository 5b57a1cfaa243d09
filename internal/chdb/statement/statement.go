package statement

import (
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
	last, ended := p.token.start, false
	for ; p.token.kind != end; p.advance() {
		if ended = p.isPunctuation(';'); ended {
			continue
		}
		switch {
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
	}
	if s.Text = p.sql; ended {
		s.Text = p.sql[:last]
	}
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
