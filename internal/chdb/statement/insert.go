package statement

// insert reads INSERT INTO [TABLE|FUNCTION] … [(columns)] [SETTINGS …] up to
// what says where the rows come from: FORMAT or VALUES (data follows), or a
// query.
func (p *parser) insert() Statement {
	p.target()
	depth := 0
	for before := p.token.start; ; before = p.pass() {
		switch {
		case p.token.kind == end, p.isPunctuation(';') && depth == 0:
			// Data that comes apart from the statement, in default_format.
			return Statement{Kind: InsertData, Text: p.sql[:before], Data: len(p.sql)}
		case p.isPunctuation('('):
			depth++
		case p.isPunctuation(')'):
			depth--
		case depth > 0:
		case p.isAny("SELECT", "WITH", "WATCH"):
			return p.insertQuery()
		case p.is("FROM"):
			if p.follows("INFILE") {
				return refused("FROM INFILE reads a file of the engine's machine")
			}
			return p.insertQuery()
		case p.is("VALUES"):
			return Statement{Kind: InsertData, Text: p.sql[:before], Format: "Values", Data: p.token.end}
		case p.is("FORMAT"):
			return p.insertFormat(before)
		}
	}
}

// pass moves on and returns where the token that was passed ended.
func (p *parser) pass() int {
	before := p.token.end
	p.advance()
	return before
}

// target passes INSERT INTO [TABLE|FUNCTION] and the table's name, which may
// be any word, FORMAT and VALUES too.
func (p *parser) target() {
	p.advance()
	if p.is("INTO") {
		p.advance()
	}
	if p.isAny("TABLE", "FUNCTION") {
		p.advance()
	}
	for p.token.kind == word || p.token.kind == name {
		p.advance()
		if !p.isPunctuation('.') {
			return
		}
		p.advance()
	}
}

func (p *parser) insertQuery() Statement {
	s := p.scan(Other)
	s.Format = ""
	return s
}

// insertFormat finds where the data begins: after the format's name, and past
// one semicolon or the rest of its line when that is blank.
func (p *parser) insertFormat(before int) Statement {
	p.advance()
	if p.token.kind != word {
		return p.scan(Other) // the engine says what is wrong
	}
	s := Statement{Kind: InsertData, Text: p.sql[:before], Format: p.text(p.token)}
	pos := p.token.end
	for pos < len(p.sql) && (p.sql[pos] == ' ' || p.sql[pos] == '\t' || p.sql[pos] == '\f') {
		pos++
	}
	if pos < len(p.sql) && p.sql[pos] == ';' {
		pos++
	}
	if pos < len(p.sql) && p.sql[pos] == '\r' {
		pos++
	}
	if pos < len(p.sql) && p.sql[pos] == '\n' {
		pos++
	}
	s.Data = pos
	return s
}
