package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Invite keeps an invitation under the hash of its token. Conflict: the address is a user
// of the organization, or is invited already. That it may be a user of another
// organization shows only to who accepts the invitation.
func (s *Store) Invite(ctx context.Context, call *queryserver.Call, invitation *queryserver.Invitation, token queryserver.Hash) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		users, err := q.CountUsersWithEmail(ctx, invitation.Email)
		if err != nil {
			return change{}, err
		}
		if users > 0 {
			return change{}, queryserver.Errorf(queryserver.Conflict, "a user of the organization has that address")
		}
		row, err := q.InsertInvitation(ctx, dbgen.InsertInvitationParams{
			Email: invitation.Email, Roles: encode(invitation.Roles), TokenHash: token[:],
			InvitedBy: invitation.InvitedBy, ExpiresAt: invitation.ExpiresAt,
		})
		invitation.ID, invitation.CreatedAt = row.InvitationID, row.CreatedAt
		return change{"invitation.create", row.InvitationID.String(), map[string]any{"email": invitation.Email, "roles": invitation.Roles}}, alreadyInvited(err)
	})
}

func alreadyInvited(err error) error {
	if queryserver.CodeOf(problem(err)) == queryserver.Conflict {
		return &queryserver.Error{Code: queryserver.Conflict, Message: "the address is invited already: send the invitation again, or revoke it", Cause: err}
	}
	return err
}

// Invitations are those that are neither accepted nor revoked, newest first, from behind
// one on; the zero one is before all.
func (s *Store) Invitations(ctx context.Context, call *queryserver.Call, after queryserver.Invitation, limit int) (all []queryserver.Invitation, err error) {
	before := after.CreatedAt
	if before.IsZero() {
		before = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListInvitations(ctx, before, after.ID, int32(limit))
		if err != nil {
			return err
		}
		for _, row := range rows {
			invitation, err := invitationOf(dbgen.GetInvitationRow(row))
			if err != nil {
				return err
			}
			all = append(all, invitation)
		}
		return nil
	})
	return all, err
}

// Invitation reads one of them.
func (s *Store) Invitation(ctx context.Context, call *queryserver.Call, id tenant.ID) (invitation queryserver.Invitation, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		row, err := q.GetInvitation(ctx, id)
		if err != nil {
			return err
		}
		invitation, err = invitationOf(row)
		return err
	})
	return invitation, err
}

func invitationOf(row dbgen.GetInvitationRow) (queryserver.Invitation, error) {
	invitation := queryserver.Invitation{ID: row.InvitationID, Email: row.Email, InvitedBy: row.InvitedBy, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt}
	return invitation, decode(row.Roles, &invitation.Roles)
}

// RenewInvitation puts an invitation under another token, which ends the one before.
func (s *Store) RenewInvitation(ctx context.Context, call *queryserver.Call, invitation *queryserver.Invitation, token queryserver.Hash) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"invitation.resend", invitation.ID.String(), map[string]any{"email": invitation.Email}},
			found(q.RenewInvitation(ctx, token[:], invitation.InvitedBy, invitation.ExpiresAt, invitation.ID))
	})
}

// RevokeInvitation takes an invitation back.
func (s *Store) RevokeInvitation(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"invitation.revoke", id.String(), nil}, found(q.RevokeInvitation(ctx, id))
	})
}

func errNotInvited() error {
	return queryserver.Errorf(queryserver.NotFound, "the invitation is not valid, or not any more")
}

// organizationOfInvitation is where to look for an invitation; NotFound: there is none.
func (s *Store) organizationOfInvitation(ctx context.Context, token queryserver.Hash) (tenant.ID, error) {
	type row struct{ Invitation, Organization tenant.ID }
	found, err := call(ctx, s, pgx.RowToStructByPos[row], "find_invitation", token[:])
	if err != nil {
		return tenant.ID{}, err
	}
	if len(found) == 0 {
		return tenant.ID{}, errNotInvited()
	}
	return found[0].Organization, nil
}

// FindInvitation reads an invitation by its token, while it can be accepted.
func (s *Store) FindInvitation(ctx context.Context, token queryserver.Hash) (invited queryserver.Invited, err error) {
	organization, err := s.organizationOfInvitation(ctx, token)
	if err != nil {
		return invited, err
	}
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		row, err := q.GetInvitationByToken(ctx, token[:])
		if isNone(err) {
			return errNotInvited()
		}
		if err != nil {
			return err
		}
		if invited.Invitation, err = invitationOf(dbgen.GetInvitationRow(row)); err != nil {
			return err
		}
		if invited.Organization, err = readOrganization(ctx, q); err != nil {
			return err
		}
		invited.Policy, err = readPolicy(ctx, q)
		return err
	})
	return invited, err
}

// AcceptInvitation makes a user of an invitation, once, with its roles. NotFound: it does
// not count, or the inviter may not give its roles any more. Conflict: the address is a
// user's of another organization.
func (s *Store) AcceptInvitation(ctx context.Context, client queryserver.Client, token queryserver.Hash, displayName, passwordHash string) (user queryserver.UserRef, err error) {
	if user.Organization, err = s.organizationOfInvitation(ctx, token); err != nil {
		return user, err
	}
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		user, err = acceptInvitation(ctx, q, client, user.Organization, token, displayName, passwordHash)
		return err
	})
	return user, err
}

// acceptInvitation is for a transaction that may do more, such as to note who the user is
// at an identity provider; passwordHash is empty then.
func acceptInvitation(ctx context.Context, q *dbgen.Queries, client queryserver.Client, organization tenant.ID, token queryserver.Hash, displayName, passwordHash string) (user queryserver.UserRef, err error) {
	user.Organization = organization
	row, err := q.AcceptInvitation(ctx, token[:])
	if isNone(err) {
		return user, errNotInvited()
	}
	if err != nil {
		return user, err
	}
	var given []queryserver.Assignment
	if err := decode(row.Roles, &given); err != nil {
		return user, err
	}
	if err := stillGives(ctx, q, row.InvitedBy, given); err != nil {
		return user, err
	}
	user.User, err = newUser(ctx, q, row.Email, displayName, passwordHash, given)
	if queryserver.CodeOf(problem(err)) == queryserver.Conflict {
		return user, &queryserver.Error{Code: queryserver.Conflict, Message: "there is an account with your e-mail address already: ask for an invitation to another address", Cause: err}
	}
	if err != nil {
		return user, err
	}
	return user, audit(ctx, q, userSubject(user), client, "invitation.accept", row.InvitationID.String(), "success", map[string]any{"email": row.Email})
}

// stillGives ends an invitation with what its inviter may give: his permissions may have
// been taken away since.
func stillGives(ctx context.Context, q *dbgen.Queries, inviter tenant.ID, given []queryserver.Assignment) error {
	grants, err := userGrants(ctx, q, inviter)
	if err != nil {
		return err
	}
	for _, assigned := range given {
		found, err := roles(ctx, q, &assigned.Role)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNotInvited()
		}
		if queryserver.Lacks(grants, assigned.Tenant, []queryserver.Permission{queryserver.UsersWrite}) != "" ||
			queryserver.Lacks(grants, assigned.Tenant, found[0].Permissions) != "" {
			return errNotInvited()
		}
	}
	return nil
}
