package auth

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

type opening struct {
	client  queryserver.Client
	device  string
	cookie  bool
	methods []string
	account queryserver.Hash
}

// open begins a session for a user who has proved himself with all that is asked.
func (s *Service) open(ctx context.Context, user queryserver.UserRef, o opening) (*queryserver.OpenedSession, error) {
	grants, err := s.Store.UserGrants(ctx, user)
	if err != nil {
		return nil, err
	}
	device, err := token.Parse(token.Device, o.device)
	if err != nil {
		device = token.New(token.Device)
	}
	now := s.Now()
	absolute := now.Add(s.settings.Absolute)
	opened := &queryserver.OpenedSession{UserRef: user, Tenant: firstTenant(grants), Expires: absolute, Device: device.Reveal()}
	session := &queryserver.NewSession{
		Tenant: opened.Tenant, Device: queryserver.Hash(device.Hash()), Account: o.account, Methods: o.methods, Client: o.client,
		RefreshExpires: now.Add(s.settings.Idle), Expires: absolute,
	}
	var refresh token.Token
	if o.cookie {
		cookie := token.New(token.Session)
		session.Cookie, opened.Cookie = queryserver.Hash(cookie.Hash()), cookie.Reveal()
	} else {
		refresh = token.New(token.Refresh)
		session.Refresh = queryserver.Hash(refresh.Hash())
	}
	var newDevice bool
	if opened.ID, newDevice, err = s.Store.OpenSession(ctx, user, session); err != nil {
		return nil, err
	}
	if newDevice {
		s.tellUser(ctx, user, queryserver.NewDeviceLetter{At: now, Client: o.client})
	}
	if !o.cookie {
		opened.Tokens, err = s.sign(user, opened.ID, opened.Tenant, grants, refresh.Reveal())
	}
	return opened, err
}

// sign makes the tokens of a session in a tenant.
func (s *Service) sign(user queryserver.UserRef, session, in tenant.ID, grants []queryserver.Grant, refresh string) (*queryserver.Tokens, error) {
	claims := jwt.Claims{Subject: user.User, Session: session, Organization: user.Organization}
	for _, grant := range grants {
		if grant.Tenant.Tenant == in {
			claims.Workspace, claims.Tenant = grant.Tenant.Workspace, in
		}
	}
	access, said, err := s.Tokens.Issue(claims)
	return &queryserver.Tokens{Access: access, Expires: said.Expires, Refresh: refresh}, err
}

// successorRow is what the successor of a refresh token is sealed for.
func successorRow(of queryserver.Hash) seal.Row {
	return seal.Row{Table: "refresh_tokens", Column: "successor", ID: string(of[:])}
}

// Refresh exchanges a refresh token for new tokens.
func (s *Service) Refresh(ctx context.Context, text string, client queryserver.Client) (*queryserver.OpenedSession, error) {
	presented, err := token.Parse(token.Refresh, text)
	if err != nil {
		return nil, errSessionEnded()
	}
	next, hash := token.New(token.Refresh), queryserver.Hash(presented.Hash())
	sealed := s.Sealer.Seal([]byte(next.Reveal()), successorRow(hash))
	done, err := s.Store.Refresh(ctx, client, hash, queryserver.Hash(next.Hash()), s.Now().Add(s.settings.Idle), []byte(sealed))
	if is(err, queryserver.NotFound) || done.Stolen {
		return nil, errSessionEnded()
	}
	if err != nil {
		return nil, err
	}
	refresh := next.Reveal()
	if done.Successor != nil {
		again, err := s.Sealer.Open(string(done.Successor), successorRow(hash))
		if err != nil {
			return nil, err
		}
		refresh = string(again)
	}
	state, err := s.Store.FindSession(ctx, done.Session)
	if err != nil {
		return nil, err
	}
	user, err := s.Store.User(ctx, done.UserRef)
	if err != nil && !is(err, queryserver.NotFound) {
		return nil, err
	}
	if err != nil || !user.Enabled {
		return nil, errSessionEnded()
	}
	grants, err := s.Store.UserGrants(ctx, done.UserRef)
	if err != nil {
		return nil, err
	}
	opened := &queryserver.OpenedSession{UserRef: done.UserRef, ID: done.Session, Tenant: state.Tenant, Expires: state.ExpiresAt}
	opened.Tokens, err = s.sign(done.UserRef, done.Session, state.Tenant, grants, refresh)
	return opened, err
}

func errSessionEnded() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "The session has ended: log in again.")
}

// SwitchTenant moves the session of a call to another tenant of the user's, and gives an
// access token for it. NotFound: he is no member.
func (s *Service) SwitchTenant(ctx context.Context, call *queryserver.Call, to tenant.ID) (*queryserver.Tokens, error) {
	if call.Session.IsZero() {
		return nil, queryserver.Errorf(queryserver.Invalid, "only sessions of users move between tenants: name the tenant in the %s header", tenant.TenantHeader)
	}
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	grants, err := s.Store.UserGrants(ctx, user)
	if err != nil {
		return nil, err
	}
	if _, member := scopeIn(user.Organization, to, grants); !member {
		return nil, queryserver.Errorf(queryserver.NotFound, "there is no such tenant")
	}
	if err := s.Store.SwitchTenant(ctx, call, to); err != nil {
		return nil, err
	}
	s.Changed(kindSession, call.Session.String(), user.Organization)
	return s.sign(user, call.Session, to, grants, "")
}

// userOf is the user of a call; Forbidden for programs.
func userOf(call *queryserver.Call) (queryserver.UserRef, error) {
	if call.Subject.Kind != queryserver.UserSubject {
		return queryserver.UserRef{}, queryserver.Errorf(queryserver.Forbidden, "this is for users, not for programs")
	}
	id, err := tenant.ParseID(call.Subject.ID)
	return queryserver.UserRef{Organization: call.Scope.Organization(), User: id}, err
}

// Logout ends the session of a call.
func (s *Service) Logout(ctx context.Context, call *queryserver.Call) error {
	user, err := userOf(call)
	if err != nil {
		return err
	}
	return s.end(ctx, call, user, call.Session, "logout")
}

func (s *Service) end(ctx context.Context, call *queryserver.Call, user queryserver.UserRef, id tenant.ID, why string) error {
	err := s.Store.EndSession(ctx, call.Subject, call.Client, user, id, why)
	s.Changed(kindSession, id.String(), user.Organization)
	return err
}

// Kinds of the change feed.
const (
	kindSession = "session"
	kindUser    = "user"
)

// changed tells this server's cache at once that a user has changed, so that the next page
// shows it.
func (s *Service) changed(user queryserver.UserRef) {
	s.Changed(kindUser, user.User.String(), user.Organization)
}

// Profile is the user of a call.
func (s *Service) Profile(ctx context.Context, call *queryserver.Call) (queryserver.User, error) {
	user, err := userOf(call)
	if err != nil {
		return queryserver.User{}, err
	}
	return s.Authority.User(ctx, user)
}
