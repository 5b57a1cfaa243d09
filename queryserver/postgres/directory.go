package postgres

import (
	"context"
	"errors"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// read runs a query in the scope of a call.
func (s *Store) read(ctx context.Context, call *queryserver.Call, do func(q *dbgen.Queries) error) error {
	return s.in(ctx, call.Scope.Organization(), do)
}

// change is what an entry of the audit trail says was done, and to what.
type change struct {
	action, subject string
	detail          map[string]any
}

// write runs changes in the scope of a call, with their entry of the audit trail: all of
// it happens, or nothing.
func (s *Store) write(ctx context.Context, call *queryserver.Call, do func(q *dbgen.Queries) (change, error)) error {
	return s.in(ctx, call.Scope.Organization(), func(q *dbgen.Queries) error {
		done, err := do(q)
		if err != nil {
			return err
		}
		return auditIn(ctx, q, call.Scope.Tenant().Tenant, call.Subject, call.Client, done.action, done.subject, "success", done.detail)
	})
}

// found turns a count of changed rows into NotFound when there are none.
func found(rows int64, err error) error {
	if err == nil && rows == 0 {
		return queryserver.Errorf(queryserver.NotFound, "there is no such thing")
	}
	return err
}

// done does so with a function of the schema that says whether there was one.
func done(was bool, err error) error {
	if err == nil && !was {
		return queryserver.Errorf(queryserver.NotFound, "there is no such thing")
	}
	return err
}

// Organization reads the organization of the call.
func (s *Store) Organization(ctx context.Context, call *queryserver.Call) (o queryserver.Organization, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		o, err = readOrganization(ctx, q)
		return err
	})
	return o, err
}

func readOrganization(ctx context.Context, q *dbgen.Queries) (queryserver.Organization, error) {
	row, err := q.GetOrganization(ctx)
	return queryserver.Organization{ID: row.OrganizationID, Name: row.Name, CreatedAt: row.CreatedAt}, err
}

// RenameOrganization renames the organization of the call.
func (s *Store) RenameOrganization(ctx context.Context, call *queryserver.Call, name string) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		err := found(q.RenameOrganization(ctx, name))
		return change{"organization.update", call.Scope.Organization().String(), map[string]any{"name": name}}, err
	})
}

// Workspaces lists the workspaces of the organization.
func (s *Store) Workspaces(ctx context.Context, call *queryserver.Call) (all []queryserver.Workspace, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListWorkspaces(ctx)
		for _, row := range rows {
			all = append(all, queryserver.Workspace{ID: row.WorkspaceID, Name: row.Name, CreatedAt: row.CreatedAt})
		}
		return err
	})
	return all, err
}

// CreateWorkspace makes a workspace. Conflict: the name is taken.
func (s *Store) CreateWorkspace(ctx context.Context, call *queryserver.Call, name string) (w queryserver.Workspace, err error) {
	err = s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		row, err := q.InsertWorkspace(ctx, name)
		w = queryserver.Workspace{ID: row.WorkspaceID, Name: row.Name, CreatedAt: row.CreatedAt}
		return change{"workspace.create", w.ID.String(), map[string]any{"name": name}}, err
	})
	return w, err
}

// RenameWorkspace renames a workspace.
func (s *Store) RenameWorkspace(ctx context.Context, call *queryserver.Call, id tenant.ID, name string) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		err := found(q.RenameWorkspace(ctx, id, name))
		return change{"workspace.update", id.String(), map[string]any{"name": name}}, err
	})
}

// DeleteWorkspace deletes a workspace with its tenants.
func (s *Store) DeleteWorkspace(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := done(q.DeleteWorkspace(ctx, id)); err != nil {
			return change{}, err
		}
		return change{"workspace.delete", id.String(), nil}, keepOwner(ctx, q, tenant.ID{})
	})
}

// Tenants lists the tenants of the organization, or of one workspace.
func (s *Store) Tenants(ctx context.Context, call *queryserver.Call, workspace *tenant.ID) (all []queryserver.Tenant, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListTenants(ctx, workspace)
		for _, row := range rows {
			all = append(all, queryserver.Tenant{ID: row.TenantID, Workspace: row.WorkspaceID, Name: row.Name, CreatedAt: row.CreatedAt})
		}
		return err
	})
	return all, err
}

// CreateTenant makes a tenant in a workspace. Who makes it holds in it the roles that he
// made it with, no more; who owns all other tenants owns it too.
func (s *Store) CreateTenant(ctx context.Context, call *queryserver.Call, workspace tenant.ID, name string) (t queryserver.Tenant, err error) {
	err = s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		row, err := q.InsertTenant(ctx, workspace, name)
		if err != nil {
			return change{}, err
		}
		t = queryserver.Tenant{ID: row.TenantID, Workspace: row.WorkspaceID, Name: row.Name, CreatedAt: row.CreatedAt}
		return change{"tenant.create", t.ID.String(), map[string]any{"name": name}}, follow(ctx, q, call, t.ID)
	})
	return t, err
}

// follow gives a caller in a new tenant the roles that he holds in that of the call.
func follow(ctx context.Context, q *dbgen.Queries, call *queryserver.Call, to tenant.ID) error {
	caller, err := tenant.ParseID(call.Subject.ID)
	if err != nil {
		return nil //nolint:nilerr // an operator holds none
	}
	here := call.Scope.Tenant().Tenant
	switch call.Subject.Kind {
	case queryserver.UserSubject:
		held, err := q.ListAssignments(ctx, caller)
		for _, role := range held {
			if role.TenantID == here {
				err = errors.Join(err, assign(ctx, q, caller, []queryserver.Assignment{{Role: role.RoleID, Tenant: to}}))
			}
		}
		return err
	case queryserver.ServiceAccountSubject:
		held, err := q.ListServiceAccountRoles(ctx, caller)
		for _, role := range held {
			if role.TenantID == here {
				err = errors.Join(err, q.AddServiceAccountRole(ctx, caller, role.RoleID, to))
			}
		}
		return err
	default:
		return nil
	}
}

// RenameTenant renames a tenant.
func (s *Store) RenameTenant(ctx context.Context, call *queryserver.Call, id tenant.ID, name string) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		err := found(q.RenameTenant(ctx, id, name))
		return change{"tenant.update", id.String(), map[string]any{"name": name}}, err
	})
}

// DeleteTenant deletes a tenant; its telemetry stays until its retention ends.
func (s *Store) DeleteTenant(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := done(q.DeleteTenant(ctx, id)); err != nil {
			return change{}, err
		}
		return change{"tenant.delete", id.String(), nil}, keepOwner(ctx, q, tenant.ID{})
	})
}

// Policy is what the organization demands of logins.
func (s *Store) Policy(ctx context.Context, call *queryserver.Call) (p queryserver.Policy, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		p, err = readPolicy(ctx, q)
		return err
	})
	return p, err
}

func readPolicy(ctx context.Context, q *dbgen.Queries) (queryserver.Policy, error) {
	row, err := q.GetPolicy(ctx)
	if isNone(err) {
		return queryserver.Policy{DefaultRole: queryserver.RoleViewer}, nil
	}
	return queryserver.Policy{SSOOnly: row.SsoOnly, MFARequired: row.MfaRequired, DefaultRole: row.DefaultRoleID}, err
}

// SetPolicy changes it.
func (s *Store) SetPolicy(ctx context.Context, call *queryserver.Call, p queryserver.Policy) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		err := q.SetPolicy(ctx, p.SSOOnly, p.MFARequired, p.DefaultRole)
		return change{"policy.update", call.Scope.Organization().String(), map[string]any{"policy": p}}, err
	})
}
