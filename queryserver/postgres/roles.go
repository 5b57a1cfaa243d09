package postgres

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Roles lists the built-in roles and the organization's own.
func (s *Store) Roles(ctx context.Context, call *queryserver.Call) (all []queryserver.Role, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		all, err = roles(ctx, q, nil)
		return err
	})
	return all, err
}

// Role reads one.
func (s *Store) Role(ctx context.Context, call *queryserver.Call, id tenant.ID) (role queryserver.Role, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		all, err := roles(ctx, q, &id)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return queryserver.Errorf(queryserver.NotFound, "there is no such role")
		}
		role = all[0]
		return nil
	})
	return role, err
}

func roles(ctx context.Context, q *dbgen.Queries, id *tenant.ID) (all []queryserver.Role, err error) {
	rows, err := q.ListRoles(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		role := queryserver.Role{ID: row.RoleID, Name: row.Name, Description: row.Description, BuiltIn: row.BuiltIn, Permissions: permissions(row.Permissions)}
		if err := decode(row.Filters, &role.Filter); err != nil {
			return nil, err
		}
		all = append(all, role)
	}
	return all, nil
}

// CreateRole makes a role of the organization's own.
func (s *Store) CreateRole(ctx context.Context, call *queryserver.Call, role *queryserver.Role) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		var err error
		if role.ID, err = q.InsertRole(ctx, role.Name, role.Description); err != nil {
			return change{}, err
		}
		return change{"role.create", role.ID.String(), map[string]any{"role": role}}, fillRole(ctx, q, role)
	})
}

// UpdateRole replaces a role of the organization's own.
func (s *Store) UpdateRole(ctx context.Context, call *queryserver.Call, role *queryserver.Role) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := found(q.UpdateRole(ctx, role.ID, role.Name, role.Description)); err != nil {
			return change{}, err
		}
		if err := q.ClearRolePermissions(ctx, role.ID); err != nil {
			return change{}, err
		}
		if err := q.ClearRoleFilters(ctx, role.ID); err != nil {
			return change{}, err
		}
		return change{"role.update", role.ID.String(), map[string]any{"role": role}}, fillRole(ctx, q, role)
	})
}

func fillRole(ctx context.Context, q *dbgen.Queries, role *queryserver.Role) error {
	for _, permission := range role.Permissions {
		if err := q.AddRolePermission(ctx, role.ID, string(permission)); err != nil {
			return err
		}
	}
	for _, predicate := range role.Filter {
		if err := q.AddRoleFilter(ctx, role.ID, predicate.Dimension, predicate.Values); err != nil {
			return err
		}
	}
	return nil
}

// DeleteRole deletes a role of the organization's own; who holds it no longer does.
func (s *Store) DeleteRole(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"role.delete", id.String(), nil}, found(q.DeleteRole(ctx, id))
	})
}
