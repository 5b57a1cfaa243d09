package cache

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Authority is what each call is judged by, remembered. It must hear of changes: see
// Heard.
type Authority struct {
	cache         *Cache
	next          queryserver.Authority
	sessions      *View[queryserver.SessionState]
	cookies       *View[cookieOf]
	users         *View[userOf]
	grants        *View[grantsOf]
	accountGrants *View[grantsOf]
	tokens        *View[queryserver.ServiceToken]
}

// cookieOf is whose session a cookie is of, which never changes.
type cookieOf struct{ Organization, Session tenant.ID }

type userOf struct {
	Organization tenant.ID
	User         queryserver.User
}

type grantsOf struct {
	Organization tenant.ID
	Grants       []queryserver.Grant
}

// The kinds, by which Heard invalidates.
const (
	kindSession       = "session"
	kindCookie        = "session_cookie"
	kindUser          = "user"
	kindGrants        = "rbac:permissions"
	kindAccountGrants = "rbac:service_account"
	kindToken         = "service_token"
)

// NewAuthority puts a cache before a store. The lives are those of the data-flow
// document's table; a session is read anew more often, because it says when it was last
// in use.
func NewAuthority(c *Cache, next queryserver.Authority) *Authority {
	return &Authority{
		cache: c, next: next,
		sessions: Of(c, Kind[queryserver.SessionState]{Name: kindSession, L1: time.Minute, L2: 5 * time.Minute,
			Owner: func(s queryserver.SessionState) tenant.ID { return s.Organization }}),
		cookies: Of(c, Kind[cookieOf]{Name: kindCookie, L1: 5 * time.Minute, L2: 30 * time.Minute,
			Owner: func(s cookieOf) tenant.ID { return s.Organization }}),
		users: Of(c, Kind[userOf]{Name: kindUser, L1: 5 * time.Minute, L2: 30 * time.Minute,
			Owner: func(u userOf) tenant.ID { return u.Organization }}),
		grants: Of(c, Kind[grantsOf]{Name: kindGrants, L1: 5 * time.Minute, L2: 5 * time.Minute,
			Owner: func(g grantsOf) tenant.ID { return g.Organization }}),
		accountGrants: Of(c, Kind[grantsOf]{Name: kindAccountGrants, L1: 5 * time.Minute, L2: 5 * time.Minute,
			Owner: func(g grantsOf) tenant.ID { return g.Organization }}),
		tokens: Of(c, Kind[queryserver.ServiceToken]{Name: kindToken, L1: time.Minute, L2: 5 * time.Minute,
			Owner: func(t queryserver.ServiceToken) tenant.ID { return t.Organization }}),
	}
}

// Heard drops what a change has made out of date. The kind and the subject are those of
// the change feed; the organization is zero where the thing belongs to none.
func (a *Authority) Heard(kind, subject string, organization tenant.ID) {
	switch kind {
	case "session":
		a.cache.Invalidate(kindSession + ":" + subject)
	case "user":
		a.cache.Invalidate(kindUser+":"+subject, kindGrants+":"+subject)
	case "service_account":
		a.cache.Invalidate(kindAccountGrants + ":" + subject)
		a.cache.InvalidateOwner(kindToken, organization)
	case "role", "tenant", "workspace":
		a.cache.InvalidateOwner(kindGrants, organization)
		a.cache.InvalidateOwner(kindAccountGrants, organization)
	case "organization":
		for _, of := range [...]string{kindUser, kindGrants, kindAccountGrants, kindToken, kindSession} {
			a.cache.InvalidateOwner(of, organization)
		}
	}
}

// Reset drops everything, when changes may have been missed.
func (a *Authority) Reset() { a.cache.Reset() }

// FindSession is that of queryserver.Authority. LastSeenAt may be minutes old.
func (a *Authority) FindSession(ctx context.Context, id tenant.ID) (queryserver.SessionState, error) {
	state, _, err := a.sessions.Get(ctx, tenant.ID{}, id.String(), func(ctx context.Context) (queryserver.SessionState, error) {
		return a.next.FindSession(ctx, id)
	})
	return state, err
}

// FindSessionByCookie is that of queryserver.Authority.
func (a *Authority) FindSessionByCookie(ctx context.Context, cookie queryserver.Hash) (queryserver.SessionState, error) {
	of, _, err := a.cookies.Get(ctx, tenant.ID{}, hex.EncodeToString(cookie[:]), func(ctx context.Context) (cookieOf, error) {
		state, err := a.next.FindSessionByCookie(ctx, cookie)
		return cookieOf{state.Organization, state.ID}, err
	})
	if err != nil {
		return queryserver.SessionState{}, err
	}
	return a.FindSession(ctx, of.Session)
}

// User is that of queryserver.Authority.
func (a *Authority) User(ctx context.Context, ref queryserver.UserRef) (queryserver.User, error) {
	found, _, err := a.users.Get(ctx, ref.Organization, ref.User.String(), func(ctx context.Context) (userOf, error) {
		user, err := a.next.User(ctx, ref)
		return userOf{ref.Organization, user}, err
	})
	return found.User, err
}

// UserGrants is that of queryserver.Authority.
func (a *Authority) UserGrants(ctx context.Context, ref queryserver.UserRef) ([]queryserver.Grant, error) {
	found, _, err := a.grants.Get(ctx, ref.Organization, ref.User.String(), func(ctx context.Context) (grantsOf, error) {
		grants, err := a.next.UserGrants(ctx, ref)
		return grantsOf{ref.Organization, grants}, err
	})
	return found.Grants, err
}

// FindServiceToken is that of queryserver.Authority.
func (a *Authority) FindServiceToken(ctx context.Context, hash queryserver.Hash) (queryserver.ServiceToken, error) {
	token, _, err := a.tokens.Get(ctx, tenant.ID{}, hex.EncodeToString(hash[:]), func(ctx context.Context) (queryserver.ServiceToken, error) {
		return a.next.FindServiceToken(ctx, hash)
	})
	return token, err
}

// ServiceAccountGrants is that of queryserver.Authority.
func (a *Authority) ServiceAccountGrants(ctx context.Context, organization, account tenant.ID) ([]queryserver.Grant, error) {
	found, _, err := a.accountGrants.Get(ctx, organization, account.String(), func(ctx context.Context) (grantsOf, error) {
		grants, err := a.next.ServiceAccountGrants(ctx, organization, account)
		return grantsOf{organization, grants}, err
	})
	return found.Grants, err
}
