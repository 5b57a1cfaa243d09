package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// UserGrants are the tenants that a user is a member of with the roles held there: a line
// per tenant and role, and one without a role where there is none. A disabled user has none.
func (s *Store) UserGrants(ctx context.Context, user queryserver.UserRef) (grants []queryserver.Grant, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		grants, err = userGrants(ctx, q, user.User)
		return err
	})
	return grants, err
}

func userGrants(ctx context.Context, q *dbgen.Queries, user tenant.ID) (grants []queryserver.Grant, err error) {
	rows, err := q.UserAuthority(ctx, user)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		grant := queryserver.Grant{Tenant: tenant.Scope{Workspace: row.WorkspaceID, Tenant: row.TenantID}, Permissions: permissions(row.Permissions)}
		if row.RoleID != nil && row.RoleName != nil {
			grant.Role, grant.RoleName = *row.RoleID, *row.RoleName
		}
		if err := decode(row.Filters, &grant.Filter); err != nil {
			return nil, err
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

// ServiceAccountGrants are those of a service account.
func (s *Store) ServiceAccountGrants(ctx context.Context, organization, account tenant.ID) (grants []queryserver.Grant, err error) {
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		rows, err := q.ServiceAccountAuthority(ctx, account)
		if err != nil {
			return err
		}
		for _, row := range rows {
			grant := queryserver.Grant{
				Tenant: tenant.Scope{Workspace: row.WorkspaceID, Tenant: row.TenantID},
				Role:   row.RoleID, RoleName: row.RoleName, Permissions: permissions(row.Permissions),
			}
			if err := decode(row.Filters, &grant.Filter); err != nil {
				return err
			}
			grants = append(grants, grant)
		}
		return nil
	})
	return grants, err
}

// Grants are those of the caller, in all tenants.
func (s *Store) Grants(ctx context.Context, call *queryserver.Call) ([]queryserver.Grant, error) {
	id, err := tenant.ParseID(call.Subject.ID)
	if err != nil {
		return nil, nil //nolint:nilerr // a caller of another kind, such as an API key, gives nothing
	}
	switch call.Subject.Kind {
	case queryserver.UserSubject:
		return s.UserGrants(ctx, queryserver.UserRef{Organization: call.Scope.Organization(), User: id})
	case queryserver.ServiceAccountSubject:
		return s.ServiceAccountGrants(ctx, call.Scope.Organization(), id)
	default:
		return nil, nil
	}
}

func permissions(names []string) []queryserver.Permission {
	all := make([]queryserver.Permission, len(names))
	for i, name := range names {
		all[i] = queryserver.Permission(name)
	}
	return all
}

// FindServiceToken finds a presented token of a service account; NotFound: there is none.
func (s *Store) FindServiceToken(ctx context.Context, hash queryserver.Hash) (token queryserver.ServiceToken, err error) {
	type row struct{ Token, Account, Organization tenant.ID }
	found, err := call(ctx, s, pgx.RowToStructByPos[row], "find_service_token", hash[:])
	if err != nil {
		return token, err
	}
	if len(found) == 0 {
		return token, queryserver.Errorf(queryserver.NotFound, "there is no such token")
	}
	err = s.in(ctx, found[0].Organization, func(q *dbgen.Queries) error {
		row, err := q.GetToken(ctx, found[0].Token)
		token = queryserver.ServiceToken{
			ID: found[0].Token, Account: found[0].Account, Organization: found[0].Organization,
			ExpiresAt: row.ExpiresAt, Revoked: row.RevokedAt != nil || !row.IsEnabled,
		}
		return err
	})
	return token, err
}

// NoteTokenUse notes that a token is in use, to the minute.
func (s *Store) NoteTokenUse(ctx context.Context, organization, token tenant.ID) error {
	return s.in(ctx, organization, func(q *dbgen.Queries) error { return q.NoteTokenUse(ctx, token) })
}

// Audit writes an entry of what changed nothing: a failure or a denial.
func (s *Store) Audit(ctx context.Context, organization tenant.ID, by queryserver.Subject, client queryserver.Client, action, subject, outcome string, detail map[string]any) error {
	return s.in(ctx, organization, func(q *dbgen.Queries) error {
		return audit(ctx, q, by, client, action, subject, outcome, detail)
	})
}

// Denied writes an entry of a call that was refused for lack of a permission.
func (s *Store) Denied(ctx context.Context, call *queryserver.Call, route, needs string) error {
	return s.in(ctx, call.Scope.Organization(), func(q *dbgen.Queries) error {
		return auditIn(ctx, q, call.Scope.Tenant().Tenant, call.Subject, call.Client, "http.request", route, "denied", map[string]any{"needs": needs})
	})
}
