package clickhouse

import (
	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// column is a field as a table has it.
type column interface {
	// compare is true where the field is there and compares. It is never NULL, so that its
	// negation holds for all other rows. Exists is not asked for.
	compare(m *queryserver.Match) (chsql.Expr, error)
	// present is true where the field is there.
	present() chsql.Expr
	// text is the field as a String, empty where it is not there.
	text() chsql.Expr
}

// columns finds the column of a field; the empty name is the text that free values look
// in. Every name is a field: those that are nothing else are keys of attributes.
type columns func(name string) column

// condition compiles a search into a condition on rows. Invalid: a comparison makes no
// sense for its field.
func (c columns) condition(tree queryserver.Search) (chsql.Expr, error) {
	switch tree.Op {
	case queryserver.SearchAll, queryserver.SearchAny, queryserver.SearchNot:
		return c.logical(tree)
	case queryserver.SearchMatch:
		return c.match(tree.Match)
	}
	return chsql.Expr{}, nil
}

func (c columns) logical(tree queryserver.Search) (chsql.Expr, error) {
	parts := make([]chsql.Expr, len(tree.Of))
	for i, one := range tree.Of {
		var err error
		if parts[i], err = c.condition(one); err != nil {
			return chsql.Expr{}, err
		}
	}
	switch tree.Op {
	case queryserver.SearchAny:
		return chsql.Or(parts...), nil
	case queryserver.SearchNot:
		return chsql.Not(chsql.And(parts...)), nil
	default:
		return chsql.And(parts...), nil
	}
}

func (c columns) match(m *queryserver.Match) (chsql.Expr, error) {
	of := c(m.Field)
	if m.Is == queryserver.Exists {
		return of.present(), nil
	}
	return of.compare(m)
}

// SearchLocation is where the faults of a search are said to be.
const SearchLocation = "query.q"

func searchFault(field, message string) error {
	return &queryserver.Error{
		Code: queryserver.Invalid, Message: "the search cannot be used",
		Fields: []queryserver.FieldError{{Location: SearchLocation, Message: field + " " + message}},
	}
}
