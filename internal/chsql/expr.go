package chsql

import (
	"fmt"
	"strings"
)

// text is SQL from the source of the program: of other packages, only constants convert
// to it without being asked to.
type text string

// Expr is a piece of SQL, with the values of its parameters. The zero Expr is nothing.
type Expr struct {
	parts []string // one more than there are values
	args  []Value
}

// Arg is what stands for a question mark: a Value, an Expr, or a List of them.
type Arg interface{ appendTo(e *Expr) }

// SQL makes an expression of text in which question marks stand for the arguments. It
// panics when their number differs: that is a mistake in the program, which the first
// test finds.
func SQL(sql text, arguments ...Arg) Expr {
	pieces := strings.Split(string(sql), "?")
	if len(pieces) != len(arguments)+1 {
		panic(fmt.Sprintf("chsql: %q has %d question marks and %d arguments", sql, len(pieces)-1, len(arguments)))
	}
	var e Expr
	e.write(pieces[0])
	for i, argument := range arguments {
		argument.appendTo(&e)
		e.write(pieces[i+1])
	}
	return e
}

// write appends text.
func (e *Expr) write(sql string) {
	if len(e.parts) == 0 {
		e.parts = []string{""}
	}
	e.parts[len(e.parts)-1] += sql
}

func (e Expr) appendTo(to *Expr) {
	if e.IsZero() {
		return
	}
	to.write(e.parts[0])
	to.args = append(to.args, e.args...)
	to.parts = append(to.parts, e.parts[1:]...)
}

// IsZero says whether the expression is nothing.
func (e Expr) IsZero() bool { return len(e.parts) == 0 }

// List is expressions with commas between them.
type List []Expr

func (l List) appendTo(to *Expr) { join(l, ", ").appendTo(to) }

func join(expressions []Expr, separator string) Expr {
	var joined Expr
	for i, e := range expressions {
		if i > 0 {
			joined.write(separator)
		}
		e.appendTo(&joined)
	}
	return joined
}

// And is true when all are, Or when any is. Expressions that are nothing do not count.
// Of none, And is true and Or is false.
func And(expressions ...Expr) Expr { return logical(expressions, " AND ", "true") }

// Or is true when any expression is.
func Or(expressions ...Expr) Expr { return logical(expressions, " OR ", "false") }

// Not is true when the expression is not.
func Not(e Expr) Expr { return SQL("NOT (?)", e) }

func logical(expressions []Expr, operator, empty string) Expr {
	var parts []Expr
	for _, e := range expressions {
		if !e.IsZero() {
			parts = append(parts, e)
		}
	}
	switch len(parts) {
	case 0:
		var e Expr
		e.write(empty)
		return e
	case 1:
		return parts[0]
	}
	for i, e := range parts {
		parts[i] = SQL("(?)", e)
	}
	return join(parts, operator)
}
