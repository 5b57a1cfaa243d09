package search

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// The limits of a search.
const (
	MaxLength = 4096 // bytes; a query string must hold it
	MaxDepth  = 16   // of parentheses and negations within each other
	MaxTerms  = 64   // values, each of which costs the engine a look at every row
	MaxRegexp = 256  // bytes of a regular expression
)

// Parse reads a search; an empty one holds for everything. Invalid, at the location: the
// message says at which character of the text what was expected.
func Parse(text, location string) (queryserver.Search, error) {
	tree, wrong := parse(text)
	if wrong == nil {
		return tree, nil
	}
	return queryserver.Search{}, &queryserver.Error{
		Code: queryserver.Invalid, Message: "the search cannot be read",
		Fields: []queryserver.FieldError{{Location: location, Message: wrong.in(text)}},
	}
}

// fault is where a text is wrong, in bytes, and what was expected there.
type fault struct {
	at       int
	expected string
}

// in says it for people, who count characters from 1.
func (f *fault) in(text string) string {
	found := "the end"
	if f.at < len(text) {
		r, _ := utf8.DecodeRuneInString(text[f.at:])
		found = fmt.Sprintf("%q", r)
	}
	return fmt.Sprintf("expected %s at character %d, found %s", f.expected, utf8.RuneCountInString(text[:f.at])+1, found)
}

type parser struct {
	scanner
	terms int
}

func parse(text string) (queryserver.Search, *fault) {
	if len(text) > MaxLength {
		return queryserver.Search{}, &fault{0, fmt.Sprintf("at most %d bytes", MaxLength)}
	}
	for at, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], "\uFFFD") {
			return queryserver.Search{}, &fault{at, "UTF-8"}
		}
	}
	p := &parser{scanner: scanner{text: text}}
	p.skipBlanks()
	if p.rest() == "" {
		return queryserver.Search{}, nil
	}
	tree, wrong := p.any(0)
	if wrong == nil && p.rest() != "" {
		wrong = &fault{p.at, "a condition, AND, OR or the end"}
	}
	return tree, wrong
}

// any = all { "OR" all }
func (p *parser) any(depth int) (queryserver.Search, *fault) {
	var of []queryserver.Search
	for {
		one, wrong := p.all(depth)
		if wrong != nil {
			return one, wrong
		}
		of = append(of, one)
		if !p.takeWord("OR") {
			return group(queryserver.SearchAny, of), nil
		}
		p.skipBlanks()
	}
}

// all = not { [ "AND" ] not }
func (p *parser) all(depth int) (queryserver.Search, *fault) {
	var of []queryserver.Search
	for {
		one, wrong := p.not(depth)
		if wrong != nil {
			return one, wrong
		}
		of = append(of, one)
		p.skipBlanks()
		if p.takeWord("AND") {
			p.skipBlanks()
			continue
		}
		if p.rest() == "" || strings.HasPrefix(p.rest(), ")") || p.atWord("OR") {
			return group(queryserver.SearchAll, of), nil
		}
	}
}

// group flattens: a list of one is the one, and a list in a list of its kind is one list.
func group(op queryserver.SearchOp, of []queryserver.Search) queryserver.Search {
	if len(of) == 1 {
		return of[0]
	}
	tree := queryserver.Search{Op: op}
	for _, one := range of {
		if one.Op == op {
			tree.Of = append(tree.Of, one.Of...)
		} else {
			tree.Of = append(tree.Of, one)
		}
	}
	return tree
}

func (p *parser) atWord(keyword string) bool {
	ahead := p.scanner
	return ahead.takeWord(keyword)
}

func (p *parser) not(depth int) (queryserver.Search, *fault) {
	if depth > MaxDepth {
		return queryserver.Search{}, &fault{p.at, fmt.Sprintf("at most %d levels of parentheses and negations", MaxDepth)}
	}
	switch {
	case p.takeWord("NOT"), p.take("-"):
		p.skipBlanks()
		of, wrong := p.not(depth + 1)
		return queryserver.Search{Op: queryserver.SearchNot, Of: []queryserver.Search{of}}, wrong
	case p.take("("):
		p.skipBlanks()
		of, wrong := p.any(depth + 1)
		if wrong == nil && !p.take(")") {
			wrong = &fault{p.at, "a condition, AND, OR or )"}
		}
		return of, wrong
	}
	match, wrong := p.match()
	return queryserver.Search{Op: queryserver.SearchMatch, Match: match}, wrong
}

// match reads a free value, or a field with its comparison.
func (p *parser) match() (*queryserver.Match, *fault) {
	from := p.at
	if p.atWord("AND") || p.atWord("OR") {
		return nil, &fault{from, "a condition"}
	}
	text, quoted, wrong := p.fieldOrValue()
	if wrong != nil {
		return nil, wrong
	}
	is := p.operator()
	if is == "" {
		value, wrong := p.value(from, text, quoted)
		return &queryserver.Match{Is: queryserver.Contains, Any: []queryserver.SearchValue{value}}, wrong
	}
	if text == "" {
		return nil, &fault{from, "the name of a field"}
	}
	p.at += len(is)
	match := &queryserver.Match{Field: text, Is: is}
	match.Any, wrong = p.values(match)
	return match, wrong
}

// fieldOrValue reads a text that may become either.
func (p *parser) fieldOrValue() (text string, quoted bool, wrong *fault) {
	if p.take(`"`) {
		text, wrong = p.quoted()
		return text, true, wrong
	}
	return p.word(true), false, nil
}

// values reads what a field is compared with. It makes Exists of :* and =*.
func (p *parser) values(match *queryserver.Match) ([]queryserver.SearchValue, *fault) {
	several := match.Is == queryserver.Contains || match.Is == queryserver.Equal || match.Is == queryserver.NotEqual
	from := p.at
	if several && p.take("(") {
		return p.alternatives()
	}
	if several && match.Is != queryserver.NotEqual && p.takeWord("*") {
		match.Is = queryserver.Exists
		return nil, p.count(from)
	}
	text, quoted, wrong := p.text()
	if wrong != nil {
		return nil, wrong
	}
	if match.Is == queryserver.Matches || match.Is == queryserver.MatchesNot {
		return []queryserver.SearchValue{{Text: text, Quoted: true}}, p.regexp(from, text)
	}
	value, wrong := p.value(from, text, quoted)
	if wrong == nil && value.Prefix && !several {
		wrong = &fault{from, "a value without * after " + string(match.Is)}
	}
	return []queryserver.SearchValue{value}, wrong
}

// alternatives = value { "OR" value } ")"
func (p *parser) alternatives() (all []queryserver.SearchValue, wrong *fault) {
	for {
		p.skipBlanks()
		from := p.at
		if p.atWord("AND") || p.atWord("OR") || p.atWord("NOT") {
			return nil, &fault{from, "a value"}
		}
		text, quoted, wrong := p.text()
		if wrong != nil {
			return nil, wrong
		}
		value, wrong := p.value(from, text, quoted)
		if wrong != nil {
			return nil, wrong
		}
		all = append(all, value)
		p.skipBlanks()
		switch {
		case p.take(")"):
			return all, nil
		case !p.takeWord("OR"):
			return nil, &fault{p.at, "OR or )"}
		}
	}
}

// text reads a word to the next blank, or a text in quotes.
func (p *parser) text() (text string, quoted bool, wrong *fault) {
	if p.take(`"`) {
		text, wrong = p.quoted()
		return text, true, wrong
	}
	return p.word(false), false, nil
}

// value makes a value of a text that begins at a position.
func (p *parser) value(from int, text string, quoted bool) (queryserver.SearchValue, *fault) {
	value := queryserver.SearchValue{Text: text, Quoted: quoted}
	if quoted {
		value.Prefix = p.take("*")
	} else {
		value.Text, value.Prefix = strings.CutSuffix(text, "*")
		if value.Text == "" {
			return value, &fault{from, "a value; put \"\" for an empty one"}
		}
		if star := strings.Index(value.Text, "*"); star >= 0 {
			return value, &fault{from + star, "* at the end of a value only; put it in quotes"}
		}
	}
	return value, p.count(from)
}

func (p *parser) count(from int) *fault {
	if p.terms++; p.terms > MaxTerms {
		return &fault{from, fmt.Sprintf("at most %d values", MaxTerms)}
	}
	return nil
}

// regexp checks that an expression is one of RE2, which Go's are.
func (p *parser) regexp(from int, text string) *fault {
	if len(text) > MaxRegexp {
		return &fault{from, fmt.Sprintf("a regular expression of at most %d bytes", MaxRegexp)}
	}
	if text == "" {
		return &fault{from, "a regular expression"}
	}
	if _, err := regexp.Compile(text); err != nil {
		return &fault{from, "a regular expression of RE2"}
	}
	return p.count(from)
}
