package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// OpenSession opens a session for a user who has proved himself with all factors, and
// returns its id, and whether the browser had not been seen before.
func (s *Store) OpenSession(ctx context.Context, user queryserver.UserRef, session *queryserver.NewSession) (id tenant.ID, newDevice bool, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		known, err := q.FindDevice(ctx, user.User, session.Device[:])
		if err != nil {
			return err
		}
		newDevice = known == 0
		kept, err := q.KeepDevice(ctx, session.Device[:], user.User)
		if err != nil {
			return err
		}
		if kept == 0 {
			return queryserver.Errorf(queryserver.Conflict, "the browser is known as another user's")
		}
		if id, err = q.InsertSession(ctx, insertSession(user, session)); err != nil {
			return err
		}
		if session.Refresh != (queryserver.Hash{}) {
			if err := q.InsertRefreshToken(ctx, session.Refresh[:], id, session.RefreshExpires); err != nil {
				return err
			}
		}
		if err := q.NoteLogin(ctx, user.User); err != nil {
			return err
		}
		if session.Account != (queryserver.Hash{}) {
			if err := q.ClearLoginFailures(ctx, session.Account[:]); err != nil {
				return err
			}
		}
		return auditIn(ctx, q, session.Tenant, userSubject(user), session.Client, "session.create", id.String(), "success",
			map[string]any{"methods": session.Methods, "newDevice": newDevice})
	})
	return id, newDevice, err
}

func insertSession(user queryserver.UserRef, session *queryserver.NewSession) dbgen.InsertSessionParams {
	row := dbgen.InsertSessionParams{
		UserID: user.User, Methods: session.Methods, ClientIp: address(session.Client),
		UserAgent: shorten(session.Client.UserAgent, 500), ExpiresAt: session.Expires,
	}
	if !session.Tenant.IsZero() {
		row.TenantID = &session.Tenant
	}
	if session.Cookie != (queryserver.Hash{}) {
		row.CookieHash = session.Cookie[:]
	}
	return row
}

// shorten cuts a text to so many bytes, at most.
func shorten(text string, most int) string {
	if len(text) > most {
		return text[:most]
	}
	return text
}

// FindSession reads a session; NotFound when there is none.
func (s *Store) FindSession(ctx context.Context, id tenant.ID) (state queryserver.SessionState, err error) {
	found, err := call(ctx, s, pgx.RowTo[*tenant.ID], "organization_of_session", id)
	if err != nil {
		return state, err
	}
	if len(found) == 0 || found[0] == nil {
		return state, queryserver.Errorf(queryserver.NotFound, "there is no such session")
	}
	return s.session(ctx, *found[0], id)
}

// FindSessionByCookie reads the session of a browser's cookie.
func (s *Store) FindSessionByCookie(ctx context.Context, cookie queryserver.Hash) (state queryserver.SessionState, err error) {
	type row struct{ Session, Organization tenant.ID }
	found, err := call(ctx, s, pgx.RowToStructByPos[row], "find_session_by_cookie", cookie[:])
	if err != nil {
		return state, err
	}
	if len(found) == 0 {
		return state, queryserver.Errorf(queryserver.NotFound, "there is no such session")
	}
	return s.session(ctx, found[0].Organization, found[0].Session)
}

func (s *Store) session(ctx context.Context, organization, id tenant.ID) (state queryserver.SessionState, err error) {
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		row, err := q.GetSession(ctx, id)
		if err != nil {
			return err
		}
		state = queryserver.SessionState{
			UserRef: queryserver.UserRef{Organization: organization, User: row.UserID}, ID: row.SessionID, Methods: row.Methods,
			CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt, ExpiresAt: row.ExpiresAt, Revoked: row.RevokedAt != nil,
		}
		if row.TenantID != nil {
			state.Tenant = *row.TenantID
		}
		return nil
	})
	return state, err
}

// TouchSession notes that a session is in use, to the minute.
func (s *Store) TouchSession(ctx context.Context, user queryserver.UserRef, id tenant.ID) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error { return q.TouchSession(ctx, id) })
}

// SwitchTenant moves a session to another tenant.
func (s *Store) SwitchTenant(ctx context.Context, call *queryserver.Call, to tenant.ID) error {
	return s.in(ctx, call.Scope.Organization(), func(q *dbgen.Queries) error {
		moved, err := q.SwitchTenant(ctx, call.Session, &to)
		if err != nil {
			return err
		}
		if moved == 0 {
			return queryserver.Errorf(queryserver.Unauthenticated, "the session has ended")
		}
		return auditIn(ctx, q, to, call.Subject, call.Client, "session.switch_tenant", to.String(), "success", nil)
	})
}

// Sessions are a user's that have not ended.
func (s *Store) Sessions(ctx context.Context, user queryserver.UserRef) (sessions []queryserver.Session, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		rows, err := q.ListSessions(ctx, user.User)
		for _, row := range rows {
			session := queryserver.Session{
				ID: row.SessionID, User: row.UserID, Methods: row.Methods, UserAgent: row.UserAgent,
				CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt, ExpiresAt: row.ExpiresAt,
			}
			if row.ClientIp != nil {
				session.ClientIP = row.ClientIp.String()
			}
			sessions = append(sessions, session)
		}
		return err
	})
	return sessions, err
}

// EndSession ends one session of a user; NotFound when it is not his, or has ended.
func (s *Store) EndSession(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, id tenant.ID, why string) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		row, err := q.GetSession(ctx, id)
		if err != nil {
			return err
		}
		if row.UserID != user.User {
			return queryserver.Errorf(queryserver.NotFound, "there is no such session")
		}
		ended, err := q.RevokeSession(ctx, id, why)
		if err != nil {
			return err
		}
		if ended == 0 {
			return queryserver.Errorf(queryserver.NotFound, "the session has ended already")
		}
		return audit(ctx, q, by, client, "session.end", id.String(), "success", map[string]any{"why": why})
	})
}

// EndSessions ends all sessions of a user, but perhaps one; its id is zero for none.
func (s *Store) EndSessions(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, but tenant.ID, why string) (ended int, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		n, err := endSessions(ctx, q, user, but, why)
		if err != nil || n == 0 {
			return err
		}
		ended = n
		return audit(ctx, q, by, client, "session.end_all", user.User.String(), "success", map[string]any{"why": why, "sessions": n})
	})
	return ended, err
}

func endSessions(ctx context.Context, q *dbgen.Queries, user queryserver.UserRef, but tenant.ID, why string) (int, error) {
	keep := &but
	if but.IsZero() {
		keep = nil
	}
	n, err := q.RevokeSessions(ctx, why, user.User, keep)
	return int(n), err
}

// refreshGrace is for how long a token that was exchanged gives its successor again:
// clients repeat calls whose answer was lost.
const refreshGrace = 10 * time.Second

// Refresh exchanges a refresh token, once (RFC 9700 section 4.14): for a client that
// repeats the call at once there is the same successor, and whoever comes later with it
// has stolen it, or it was stolen from him. NotFound: no such token, or it has expired.
func (s *Store) Refresh(ctx context.Context, client queryserver.Client, token, next queryserver.Hash, nextExpires time.Time, successor []byte) (done queryserver.Refreshed, err error) {
	type row struct{ Session, Organization tenant.ID }
	found, err := call(ctx, s, pgx.RowToStructByPos[row], "find_refresh_token", token[:])
	if err != nil {
		return done, err
	}
	if len(found) == 0 {
		return done, queryserver.Errorf(queryserver.NotFound, "there is no such refresh token")
	}
	err = s.in(ctx, found[0].Organization, func(q *dbgen.Queries) error {
		session, err := q.GetSession(ctx, found[0].Session)
		if err != nil {
			return err
		}
		if session.RevokedAt != nil || !session.ExpiresAt.After(time.Now()) {
			return queryserver.Errorf(queryserver.NotFound, "the session has ended")
		}
		done = queryserver.Refreshed{UserRef: queryserver.UserRef{Organization: found[0].Organization, User: session.UserID}, Session: session.SessionID}
		used, err := q.UseRefreshToken(ctx, successor, token[:])
		if err != nil {
			return err
		}
		if used == 1 {
			return errors.Join(q.TouchSession(ctx, session.SessionID), q.InsertRefreshToken(ctx, next[:], session.SessionID, nextExpires))
		}
		return reused(ctx, q, client, token, &done)
	})
	return done, err
}

// reused judges a token that cannot be exchanged any more.
func reused(ctx context.Context, q *dbgen.Queries, client queryserver.Client, token queryserver.Hash, done *queryserver.Refreshed) error {
	row, err := q.GetRefreshToken(ctx, token[:])
	if err != nil {
		return err
	}
	if row.UsedAt == nil {
		return queryserver.Errorf(queryserver.NotFound, "the refresh token has expired")
	}
	if time.Since(*row.UsedAt) < refreshGrace {
		done.Successor = row.Successor
		return nil
	}
	done.Stolen = true
	if _, err := q.RevokeSession(ctx, done.Session, "a refresh token was used twice"); err != nil {
		return err
	}
	return audit(ctx, q, userSubject(done.UserRef), client, "session.refresh_reused", done.Session.String(), "denied", nil)
}
