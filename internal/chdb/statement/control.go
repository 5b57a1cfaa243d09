package statement

import (
	"strings"
)

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
