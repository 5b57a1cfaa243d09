package queryserver

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// LoginAttempt is a login by password.
type LoginAttempt struct {
	Email, Password string
	Device          string // the cookie by which the browser may be known; empty: none
	Cookie          bool   // the session is to be a browser's, with a cookie and no tokens
	Client          Client
}

// LoginResult is a session, or what is lacking for one.
type LoginResult struct {
	// Temporary is not empty when a second factor is asked for: ValidateMFA goes on with
	// it. Enroll means that the factor must be set up first, as the organization demands.
	Temporary string
	Enroll    bool

	Session *OpenedSession
}

// SecondFactor is a code for a challenge: of the app, or a recovery code.
type SecondFactor struct {
	Temporary, Code string
	Device          string
	Cookie          bool
	Client          Client
}

// Tokens are a session outside of a browser.
type Tokens struct {
	Access  string
	Expires time.Time // of Access
	Refresh string
}

// OpenedSession is a session that has begun.
type OpenedSession struct {
	UserRef
	ID     tenant.ID
	Tenant tenant.ID // zero: the user is a member of none
	// Tokens are for programs. Else Cookie is for the browser, and ends with Expires.
	Tokens  *Tokens
	Cookie  string
	Expires time.Time
	// Device is the cookie by which the browser is known from now on.
	Device string
}

// Enrollment is a second factor to be set up in an app.
type Enrollment struct {
	Secret string // base32, to be typed in
	URI    string // otpauth://…
	PNG    []byte // the URI as a QR code
}

// FirstUser is who sets an installation up.
type FirstUser struct {
	Organization string // of a new one; where there is one already, the user joins it
	Email        string
	DisplayName  string
}

// Invited is an invitation that was presented by its token, with what decides how it may
// be accepted.
type Invited struct {
	Invitation
	Organization Organization
	Policy       Policy
}

// Acceptance accepts an invitation by password.
type Acceptance struct {
	Code, DisplayName, Password string
	Device                      string
	Cookie                      bool
	Client                      Client
}
