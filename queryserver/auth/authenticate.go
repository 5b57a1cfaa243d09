package auth

import (
	"context"
	"log/slog"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

func errNotProved() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "The credentials are missing, wrong or expired.")
}

// ByAccessToken proves a call by a JWT. What the caller may do is not in the token.
func (s *Service) ByAccessToken(ctx context.Context, text string, client queryserver.Client) (*queryserver.Call, error) {
	claims, err := s.Tokens.Verify(text)
	if err != nil {
		return nil, err
	}
	state, err := s.Authority.FindSession(ctx, claims.Session)
	if err != nil {
		return nil, unproved(err)
	}
	if state.UserRef != (queryserver.UserRef{Organization: claims.Organization, User: claims.Subject}) {
		return nil, errNotProved()
	}
	return s.inSession(ctx, state, claims.Tenant, client)
}

// ByCookie proves a call by a browser's session.
func (s *Service) ByCookie(ctx context.Context, text string, client queryserver.Client) (*queryserver.Call, error) {
	cookie, err := token.Parse(token.Session, text)
	if err != nil {
		return nil, errNotProved()
	}
	state, err := s.Authority.FindSessionByCookie(ctx, queryserver.Hash(cookie.Hash()))
	if err != nil {
		return nil, unproved(err)
	}
	if s.Now().Sub(state.LastSeenAt) > s.settings.Idle {
		// What is remembered of the session may be older than its last use.
		if state, err = s.Store.FindSession(ctx, state.ID); err != nil {
			return nil, unproved(err)
		}
		if s.Now().Sub(state.LastSeenAt) > s.settings.Idle {
			return nil, errSessionEnded()
		}
	}
	return s.inSession(ctx, state, state.Tenant, client)
}

// unproved makes of NotFound that the caller is not proved; another error, such as that
// the store is away, is none of the caller's.
func unproved(err error) error {
	if is(err, queryserver.NotFound) {
		return errNotProved()
	}
	return err
}

// inSession makes the call of a user in a tenant of his.
func (s *Service) inSession(ctx context.Context, state queryserver.SessionState, in tenant.ID, client queryserver.Client) (*queryserver.Call, error) {
	if state.Revoked || !s.Now().Before(state.ExpiresAt) {
		return nil, errSessionEnded()
	}
	user, err := s.Authority.User(ctx, state.UserRef)
	if err != nil {
		return nil, unproved(err)
	}
	if !user.Enabled {
		return nil, errNotProved()
	}
	call := &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.UserSubject, ID: state.User.String()},
		Client:  client, Session: state.ID, Scope: queryserver.NewScope(state.Organization, tenant.Scope{}, nil),
	}
	if !in.IsZero() {
		grants, err := s.Authority.UserGrants(ctx, state.UserRef)
		if err != nil {
			return nil, err
		}
		if scope, member := scopeIn(state.Organization, in, grants); member {
			call.Scope = scope
		}
	}
	if s.touched.due(state.ID.String(), s.Now()) {
		if err := s.Store.TouchSession(ctx, state.UserRef, state.ID); err != nil {
			s.Logger.WarnContext(ctx, "The use of a session could not be noted.", slog.Any("error", err))
		}
	}
	return call, nil
}

// ByServiceToken proves a call of a service account, in the tenant that it chooses or in
// its only one.
func (s *Service) ByServiceToken(ctx context.Context, text string, choice tenant.Choice, client queryserver.Client) (*queryserver.Call, error) {
	presented, err := token.Parse(token.ServiceAccount, text)
	if err != nil {
		return nil, errNotProved()
	}
	found, err := s.Authority.FindServiceToken(ctx, queryserver.Hash(presented.Hash()))
	if err != nil {
		return nil, unproved(err)
	}
	if found.Revoked || found.ExpiresAt != nil && !s.Now().Before(*found.ExpiresAt) {
		return nil, errNotProved()
	}
	grants, err := s.Authority.ServiceAccountGrants(ctx, found.Organization, found.Account)
	if err != nil {
		return nil, err
	}
	in, err := choose(grants, choice.Tenant)
	if err != nil {
		return nil, err
	}
	scope, member := scopeIn(found.Organization, in, grants)
	if !member || !choice.Workspace.IsZero() && choice.Workspace != scope.Tenant().Workspace {
		return nil, queryserver.Errorf(queryserver.Forbidden, "the service account has no role in the tenant")
	}
	if s.touched.due(found.ID.String(), s.Now()) {
		if err := s.Store.NoteTokenUse(ctx, found.Organization, found.ID); err != nil {
			s.Logger.WarnContext(ctx, "The use of a token could not be noted.", slog.Any("error", err))
		}
	}
	return &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.ServiceAccountSubject, ID: found.Account.String()}, Client: client, Scope: scope,
	}, nil
}
