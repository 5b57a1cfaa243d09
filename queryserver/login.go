package queryserver

import (
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// UserRef names a user and the organization to look in.
type UserRef struct{ Organization, User tenant.ID }

// Account is what decides whether an e-mail address and a password log in.
type Account struct {
	UserRef
	PasswordHash string // empty: none, by single sign-on only
	Enabled      bool
	HasMFA       bool
	Policy       Policy
}

// BegunLogin is what a login by password is judged by.
type BegunLogin struct {
	Account
	Exists bool // somebody has the address
	Known  Hash // by which the browser is known as his; zero: it is not
	Lock   Lock // of the browser, if it is known, else of all strangers
}

// Hash is of a token or of another secret, under which it is kept.
type Hash [32]byte

// Lock is whether logins of an account are refused, whatever is presented.
type Lock struct {
	Until    time.Time // zero: not at present
	ForGood  bool      // until the password is reset
	Failures int       // in the present window
}

// Locked says whether the account is locked at a time.
func (l Lock) Locked(at time.Time) bool { return l.ForGood || at.Before(l.Until) }

// Credentials is what a user proves himself with.
type Credentials struct {
	PasswordHash string
	TOTPSecret   []byte // sealed; nil: none
	TOTPActive   bool   // confirmed by a code
	LastStep     int64  // RFC 6238: of the last code that was accepted
}

// NewSession is what a login opens.
type NewSession struct {
	Tenant  tenant.ID // zero: the user is a member of none
	Cookie  Hash      // zero: the session has tokens and no cookie
	Refresh Hash      // zero: the session has a cookie and no tokens
	Device  Hash      // by which the browser is known from now on
	Account Hash      // whose failures are cleared; zero: none
	Methods []string  // RFC 8176
	Client  Client
	// RefreshExpires is of the first refresh token, Expires of the session.
	RefreshExpires, Expires time.Time
}

// SessionState is what a call with a session is judged by.
type SessionState struct {
	UserRef
	ID         tenant.ID
	Tenant     tenant.ID
	Methods    []string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	Revoked    bool
}

// Challenge is a login between its factors.
type Challenge struct {
	UserRef
	Methods []string // what is proved so far
	Account Hash     // under which failures are counted
	Device  Hash     // that the browser is known by; zero: it is not
	// Enroll means that the factor is not missing but has yet to be set up.
	Enroll bool
}

// Refreshed is what became of a refresh token that was presented.
type Refreshed struct {
	UserRef
	Session tenant.ID
	// Successor is not nil when the token was exchanged a moment ago: what it was
	// exchanged for, sealed.
	Successor []byte
	// Stolen means that the token was exchanged long ago: the session has been ended.
	Stolen bool
}

// Grant is a role that a user or a service account holds in a tenant.
type Grant struct {
	Tenant      tenant.Scope
	Role        tenant.ID // zero: a member without a role
	RoleName    string
	Permissions []Permission
	Filter      []Predicate
}

// Lacks is a permission of some that the grants do not give in a tenant, for all of the
// data there; empty: they give each.
func Lacks(grants []Grant, in tenant.ID, permissions []Permission) Permission {
	for _, permission := range permissions {
		has := slices.ContainsFunc(grants, func(g Grant) bool {
			return g.Tenant.Tenant == in && len(g.Filter) == 0 && slices.Contains(g.Permissions, permission)
		})
		if !has {
			return permission
		}
	}
	return ""
}

// ServiceToken is a service account's token that was presented.
type ServiceToken struct {
	ID, Account, Organization tenant.ID
	ExpiresAt                 *time.Time
	Revoked                   bool // or its account is disabled
}
