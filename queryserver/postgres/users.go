package postgres

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// User reads a user of the organization.
func (s *Store) User(ctx context.Context, user queryserver.UserRef) (u queryserver.User, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		row, err := q.GetUser(ctx, user.User)
		u = userOf(dbgen.ListUsersRow(row))
		return err
	})
	return u, err
}

// Users lists users by e-mail address, from behind one on.
func (s *Store) Users(ctx context.Context, call *queryserver.Call, after queryserver.User, limit int) (all []queryserver.User, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListUsers(ctx, after.Email, after.ID, int32(limit))
		for _, row := range rows {
			all = append(all, userOf(row))
		}
		return err
	})
	return all, err
}

func userOf(row dbgen.ListUsersRow) queryserver.User {
	return queryserver.User{
		ID: row.UserID, Email: row.Email, DisplayName: row.DisplayName, PictureURL: row.PictureUrl, Enabled: row.IsEnabled,
		HasPassword: row.HasPassword, HasMFA: row.HasMfa, CreatedAt: row.CreatedAt, LastLoginAt: row.LastLoginAt,
	}
}

// UpdateUser changes what is not nil. A user who is disabled loses his sessions.
func (s *Store) UpdateUser(ctx context.Context, call *queryserver.Call, id tenant.ID, displayName *string, enabled *bool) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		detail := map[string]any{}
		if displayName != nil {
			detail["displayName"] = *displayName
		}
		if err := found(q.UpdateUser(ctx, displayName, enabled, id)); err != nil {
			return change{}, err
		}
		if enabled != nil {
			detail["enabled"] = *enabled
		}
		if enabled != nil && !*enabled {
			if err := keepOwner(ctx, q, id); err != nil {
				return change{}, err
			}
			user := queryserver.UserRef{Organization: call.Scope.Organization(), User: id}
			if _, err := endSessions(ctx, q, user, tenant.ID{}, "the user was disabled"); err != nil {
				return change{}, err
			}
		}
		return change{"user.update", id.String(), detail}, nil
	})
}

// DeleteUser deletes a user, and ends his sessions.
func (s *Store) DeleteUser(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := keepOwner(ctx, q, id); err != nil {
			return change{}, err
		}
		user := queryserver.UserRef{Organization: call.Scope.Organization(), User: id}
		if _, err := endSessions(ctx, q, user, tenant.ID{}, "the user was deleted"); err != nil {
			return change{}, err
		}
		return change{"user.delete", id.String(), nil}, done(q.DeleteUser(ctx, id))
	})
}

// keepOwner refuses what would leave the organization, or has left it, without anybody
// who may do everything. A zero id is nobody.
func keepOwner(ctx context.Context, q *dbgen.Queries, without tenant.ID) error {
	left, err := q.OwnersLeft(ctx, without)
	if err == nil && left == 0 {
		return queryserver.Errorf(queryserver.Conflict, "the organization would have no Owner left: make another one first")
	}
	return err
}

// Assignments are the roles that a user holds.
func (s *Store) Assignments(ctx context.Context, call *queryserver.Call, id tenant.ID) (all []queryserver.Assignment, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		if _, err := q.GetUser(ctx, id); err != nil {
			return err
		}
		rows, err := q.ListAssignments(ctx, id)
		for _, row := range rows {
			all = append(all, queryserver.Assignment{Role: row.RoleID, Tenant: row.TenantID})
		}
		return err
	})
	return all, err
}

// Assign gives a user a role in a tenant, of which he becomes a member.
func (s *Store) Assign(ctx context.Context, call *queryserver.Call, id tenant.ID, role queryserver.Assignment) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		err := assign(ctx, q, id, []queryserver.Assignment{role})
		return change{"user.assign_role", id.String(), map[string]any{"role": role}}, err
	})
}

// Unassign takes a role away. The last Owner keeps it.
func (s *Store) Unassign(ctx context.Context, call *queryserver.Call, id tenant.ID, role queryserver.Assignment) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := found(q.UnassignRole(ctx, id, role.Role, role.Tenant)); err != nil {
			return change{}, err
		}
		return change{"user.unassign_role", id.String(), map[string]any{"role": role}}, keepOwner(ctx, q, tenant.ID{})
	})
}

// RemoveMember ends a membership, and the roles held in the tenant with it.
func (s *Store) RemoveMember(ctx context.Context, call *queryserver.Call, id, from tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := found(q.RemoveMembership(ctx, id, from)); err != nil {
			return change{}, err
		}
		return change{"user.leave_tenant", id.String(), map[string]any{"tenantId": from}}, keepOwner(ctx, q, tenant.ID{})
	})
}

// AuditTrail reads entries of the audit trail.
func (s *Store) AuditTrail(ctx context.Context, call *queryserver.Call, query queryserver.AuditQuery) (all []queryserver.AuditEntry, err error) {
	before := query.Before
	if before == 0 {
		before = 1<<63 - 1
	}
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListAudit(ctx, dbgen.ListAuditParams{
			Before: before, Action: query.Action, ActorID: query.Actor, FromTime: query.From, ToTime: query.To, N: int32(query.Limit),
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			entry := queryserver.AuditEntry{
				Sequence: row.Sequence, At: row.At, Tenant: row.TenantID, ActorKind: queryserver.SubjectKind(row.ActorKind), Actor: row.ActorID,
				Action: row.Action, Subject: row.Subject, Outcome: row.Outcome, RequestID: row.RequestID,
			}
			if row.ClientIp != nil {
				entry.ClientIP = row.ClientIp.String()
			}
			if err := decode(row.Detail, &entry.Detail); err != nil {
				return err
			}
			all = append(all, entry)
		}
		return nil
	})
	return all, err
}
