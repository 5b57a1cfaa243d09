package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

const kindReset = "password_reset"

// BeginReset keeps a token with which a user may set a new password. Earlier ones end.
// TooMany: he has got so many of them within an hour; 0 is no limit.
func (s *Store) BeginReset(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, token queryserver.Hash, expires time.Time, maxPerHour int) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		made, err := q.CountOneTimeTokens(ctx, &user.User, kindReset)
		if err != nil {
			return err
		}
		if maxPerHour > 0 && made >= int64(maxPerHour) {
			return queryserver.Errorf(queryserver.TooMany, "links were sent already")
		}
		if err := q.RevokeOneTimeTokens(ctx, &user.User, kindReset); err != nil {
			return err
		}
		err = q.InsertOneTimeToken(ctx, dbgen.InsertOneTimeTokenParams{TokenHash: token[:], Kind: kindReset, UserID: &user.User, Details: []byte("{}"), ExpiresAt: expires})
		if err != nil {
			return err
		}
		return audit(ctx, q, by, client, "user.request_password_reset", user.User.String(), "success", nil)
	})
}

// FindReset says whose token it is, while it counts; it remains.
func (s *Store) FindReset(ctx context.Context, token queryserver.Hash) (user queryserver.UserRef, err error) {
	type row struct{ Organization, User *tenant.ID }
	found, err := call(ctx, s, pgx.RowToStructByPos[row], "find_one_time_token", kindReset, token[:])
	if err != nil {
		return user, err
	}
	if len(found) == 0 || found[0].Organization == nil || found[0].User == nil {
		return user, queryserver.Errorf(queryserver.NotFound, "the link is not valid, or not any more")
	}
	return queryserver.UserRef{Organization: *found[0].Organization, User: *found[0].User}, nil
}

// FinishReset sets a new password for a token, once, and ends all sessions of the user.
func (s *Store) FinishReset(ctx context.Context, client queryserver.Client, user queryserver.UserRef, token queryserver.Hash, hash string) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if _, err := q.ConsumeOneTimeToken(ctx, token[:], kindReset); err != nil {
			if isNone(err) {
				return queryserver.Errorf(queryserver.NotFound, "the link is not valid, or not any more")
			}
			return err
		}
		if err := q.SetPassword(ctx, user.User, &hash); err != nil {
			return err
		}
		ended, err := endSessions(ctx, q, user, tenant.ID{}, "the password was reset")
		if err != nil {
			return err
		}
		if err := q.ForgetDevices(ctx, user.User); err != nil {
			return err
		}
		return audit(ctx, q, userSubject(user), client, "user.reset_password", user.User.String(), "success", map[string]any{"sessionsEnded": ended})
	})
}

// HasUsers says whether anybody can log in.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	rows, err := call(ctx, s, pgx.RowTo[bool], "has_users")
	return len(rows) == 1 && rows[0], err
}

// OfferSetup keeps the token of the set-up link. An earlier one ends.
func (s *Store) OfferSetup(ctx context.Context, token queryserver.Hash, expires time.Time) error {
	_, err := call(ctx, s, pgx.RowTo[any], "offer_setup", token[:], expires)
	return err
}

// FinishSetup takes the token of the set-up link, once and only while nobody can log in,
// and makes the first user: Owner in every tenant of the only organization, or of a new
// one. NotFound: the token does not count.
func (s *Store) FinishSetup(ctx context.Context, token queryserver.Hash, first queryserver.FirstUser, passwordHash string) (queryserver.UserRef, error) {
	rows, err := call(ctx, s, pgx.RowToStructByPos[queryserver.UserRef], "finish_setup",
		token[:], first.Organization, first.Email, first.DisplayName, passwordHash)
	if err != nil {
		return queryserver.UserRef{}, err
	}
	if len(rows) == 0 {
		return queryserver.UserRef{}, queryserver.Errorf(queryserver.NotFound, "the link is not valid, or not any more")
	}
	return rows[0], nil
}

// newUser makes a user with a password, if it is not empty, and with roles in tenants.
func newUser(ctx context.Context, q *dbgen.Queries, email, displayName, passwordHash string, roles []queryserver.Assignment) (id tenant.ID, err error) {
	if id, err = q.InsertUser(ctx, email, displayName); err != nil {
		return id, err
	}
	if passwordHash != "" {
		if err := q.SetPassword(ctx, id, &passwordHash); err != nil {
			return id, err
		}
	}
	return id, assign(ctx, q, id, roles)
}

func assign(ctx context.Context, q *dbgen.Queries, user tenant.ID, roles []queryserver.Assignment) error {
	for _, role := range roles {
		if err := q.AddMembership(ctx, user, role.Tenant); err != nil {
			return err
		}
		if err := q.AssignRole(ctx, user, role.Role, role.Tenant); err != nil {
			return err
		}
	}
	return nil
}

// CreateUser makes a user, for commands and for the first run.
func (s *Store) CreateUser(ctx context.Context, by queryserver.Subject, client queryserver.Client, organization tenant.ID, email, displayName, passwordHash string, roles []queryserver.Assignment) (user queryserver.UserRef, err error) {
	user.Organization = organization
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		if user.User, err = newUser(ctx, q, email, displayName, passwordHash, roles); err != nil {
			return err
		}
		return audit(ctx, q, by, client, "user.create", user.User.String(), "success", map[string]any{"email": email})
	})
	return user, err
}
