package chsql

import (
	"strconv"
	"strings"
)

// Statement is SQL with placeholders {p1:Type}, {p2:Type} and so on, and their values.
type Statement struct {
	SQL        string
	Parameters map[string]string
}

// Statement renders the expression. Equal values share a placeholder.
func (e Expr) Statement() Statement {
	var sql strings.Builder
	parameters := make(map[string]string, len(e.args))
	names := make(map[Value]string, len(e.args))
	for i, part := range e.parts {
		sql.WriteString(part)
		if i == len(e.args) {
			break
		}
		value := e.args[i]
		name, known := names[value]
		if !known {
			name = "p" + strconv.Itoa(len(names)+1)
			names[value] = name
			parameters[name] = value.text
		}
		sql.WriteString("{" + name + ":" + value.kind + "}")
	}
	return Statement{sql.String(), parameters}
}

// Select is a SELECT. Expressions that are nothing are left out.
type Select struct {
	With    List
	Columns List
	From    Expr
	Where   List // all must hold
	GroupBy List
	Having  Expr
	OrderBy List
	LimitBy Expr // n BY expressions
	Limit   int  // 0: none
	// WithTies adds to the Limit the rows that OrderBy cannot tell from the last one.
	WithTies bool
}

// Expr is the SELECT as an expression, to be put in parentheses by whoever nests it.
func (s Select) Expr() Expr {
	var e Expr
	clause := func(keyword string, what Expr) {
		if !what.IsZero() {
			e.write(keyword)
			what.appendTo(&e)
		}
	}
	clause("WITH ", join(s.With, ", "))
	if !e.IsZero() {
		e.write(" ")
	}
	clause("SELECT ", join(s.Columns, ", "))
	clause(" FROM ", s.From)
	clause(" WHERE ", s.where())
	clause(" GROUP BY ", join(s.GroupBy, ", "))
	clause(" HAVING ", s.Having)
	clause(" ORDER BY ", join(s.OrderBy, ", "))
	clause(" LIMIT ", s.LimitBy)
	if s.Limit > 0 {
		e.write(" LIMIT " + strconv.Itoa(s.Limit))
	}
	if s.Limit > 0 && s.WithTies {
		e.write(" WITH TIES")
	}
	return e
}

// where puts each condition in parentheses, so that none can reach into the next.
func (s Select) where() Expr {
	var conditions List
	for _, condition := range s.Where {
		if !condition.IsZero() {
			conditions = append(conditions, SQL("(?)", condition))
		}
	}
	return join(conditions, " AND ")
}

// Statement renders the SELECT.
func (s Select) Statement() Statement { return s.Expr().Statement() }
