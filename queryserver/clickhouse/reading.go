package clickhouse

import (
	"errors"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// reading is what a call may see under one permission. All statements begin at one.
type reading struct {
	in     tenant.Scope
	filter queryserver.Filter
}

// read begins the reading of a call. Forbidden: it lacks the permission. Invalid: it acts
// in no tenant.
func read(scope queryserver.Scope, permission queryserver.Permission) (*reading, error) {
	filter, granted := scope.Sees(permission)
	if !granted {
		return nil, queryserver.Errorf(queryserver.Forbidden, "this needs the permission %s", permission)
	}
	if scope.Tenant().IsZero() {
		return nil, queryserver.Errorf(queryserver.Invalid, "name a tenant: switch to one, or send the %s header", tenant.TenantHeader)
	}
	return &reading{scope.Tenant(), filter}, nil
}

// errDimension means that a table does not hold what the caller's view is limited by. The
// question goes to the base table then.
var errDimension = errors.New("the table lacks a dimension of the filter")

// of begins a SELECT from a table: what of it the caller may see. The tenant comes first,
// as in every sort key.
func (r *reading) of(from *table) (chsql.Select, error) {
	filter, err := r.filterOf(from)
	if err != nil {
		return chsql.Select{}, err
	}
	return chsql.Select{From: from.name, Where: chsql.List{
		chsql.SQL("workspace_id = ?", chsql.UUID(r.in.Workspace)),
		chsql.SQL("tenant_id = ?", chsql.UUID(r.in.Tenant)),
		filter,
	}}, nil
}

// filterOf is the data filter as a condition on a table: any alternative, all of its
// predicates. A row that lacks a dimension does not match.
func (r *reading) filterOf(from *table) (chsql.Expr, error) {
	if r.filter.Everything() {
		return chsql.Expr{}, nil
	}
	var alternatives chsql.List
	for _, predicates := range r.filter.Alternatives() {
		var all chsql.List
		for _, predicate := range predicates {
			condition, held, err := from.match(r, predicate)
			if err != nil {
				return chsql.Expr{}, err
			}
			if !held {
				return chsql.Expr{}, errDimension
			}
			all = append(all, condition)
		}
		alternatives = append(alternatives, chsql.And(all...))
	}
	return chsql.Or(alternatives...), nil
}

// first takes the first of some tables that holds all dimensions of the caller's filter.
func (r *reading) first(tables ...*table) (chsql.Select, *table, error) {
	for _, from := range tables {
		query, err := r.of(from)
		if !errors.Is(err, errDimension) {
			return query, from, err
		}
	}
	return chsql.Select{}, nil, queryserver.Errorf(queryserver.Forbidden, "your view of the data is limited, and this cannot be answered within it")
}
