package queryserver

import (
	"net/url"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Provider is an identity provider: of an organization, or of the whole installation.
// Its secret is kept apart, sealed.
type Provider struct {
	ID           tenant.ID `json:"providerId"`
	Organization tenant.ID `json:"-"` // zero: of the installation
	// Name finds it in a URL: small letters, digits and -, and no UUID.
	Name string `json:"name"`
	// DisplayName is what users see; empty: the name.
	DisplayName string            `json:"displayName"`
	Kind        string            `json:"kind"` // oidc, google, entra or github
	Issuer      string            `json:"issuer"`
	ClientID    string            `json:"clientId"`
	Scopes      []string          `json:"scopes"`
	Algorithms  []string          `json:"algorithms"`
	Parameters  map[string]string `json:"parameters"`
	Directories []string          `json:"directories"`
	// LinkByVerifiedEmail lets a user prove by a link in an e-mail that an unknown identity
	// with his address is his.
	LinkByVerifiedEmail bool      `json:"linkByVerifiedEmail"`
	Enabled             bool      `json:"enabled"`
	CreatedAt           time.Time `json:"createdAt"`

	Sealed []byte `json:"-"` // the secret
}

// Segment is how the provider's own URLs name it: one of the installation by its name, an
// organization's by its UUID. No two providers share one (RFC 9700 section 4.4).
func (p *Provider) Segment() string {
	if p.Organization.IsZero() {
		return p.Name
	}
	return p.ID.String()
}

// Shown is what users see.
func (p *Provider) Shown() string {
	if p.DisplayName == "" {
		return p.Name
	}
	return p.DisplayName
}

// Identity is who somebody is at a provider: Issuer and Subject, never the e-mail address
// (ASVS 6.8.1). The rest is what the provider told at this login.
type Identity struct {
	Issuer, Subject string
	Email           string
	EmailVerified   bool // the provider vouches for the address now
	Name, Picture   string
	MFA             bool // it was proved by more than one factor (ASVS 6.8.4)
}

// LinkedIdentity is an identity that logs a user in.
type LinkedIdentity struct {
	ID          tenant.ID `json:"identityId"`
	Provider    tenant.ID `json:"providerId"`
	Name        string    `json:"providerName"`
	Email       string    `json:"email" doc:"As the provider last said"`
	CreatedAt   time.Time `json:"createdAt"`
	LastLoginAt time.Time `json:"lastLoginAt"`
}

// Domain is one of e-mail addresses, which an organization proves to be its own.
type Domain struct {
	Domain     string     `json:"domain"`
	Record     string     `json:"recordName" doc:"Of the TXT record that proves it"`
	Challenge  string     `json:"recordValue"`
	CreatedAt  time.Time  `json:"createdAt"`
	VerifiedAt *time.Time `json:"verifiedAt,omitempty"`
}

// SSOBegin is somebody's wish to log in at a provider.
type SSOBegin struct {
	// Provider is the name of one, or the UUID. An organization's is found by its name
	// with the Organization's name or an e-mail address of a domain of the organization.
	Provider, Organization, Email string
	ReturnTo                      string // a path of this server; empty is /
	Invitation                    string // the code of one; empty: none
	// CodeChallenge asks for tokens in place of a cookie: the base64url of the SHA-256 of
	// a secret that the exchange of the code must show (RFC 7636).
	CodeChallenge string
}

// SSOBegun is where to send a browser, and the cookie that binds it to the login.
type SSOBegun struct{ URL, Cookie string }

// SSOReturn is a browser that comes back from a provider.
type SSOReturn struct {
	Provider       string // the segment of the URL
	Query          url.Values
	Cookie, Device string
	Client         Client
}

// SSOResult is what became of a login at a provider: a session, a second factor that is
// asked for, a code for a program, an e-mail that was sent, or, with none of these, an
// identity that was linked to the user who asked for it.
type SSOResult struct {
	ReturnTo string
	LoginResult
	Code string
	// LinkProof is not empty when an e-mail was sent by whose link the user adopts the
	// identity: the link counts in the browser that has this cookie.
	LinkProof string
}

// PendingSSO is a login under way at a provider, as it was kept. Sealed is what
// the browser's return is judged by.
type PendingSSO struct {
	Provider tenant.ID
	Sealed   []byte
}

// SSOCode is a login that a program finishes.
type SSOCode struct {
	UserRef
	Methods   []string // RFC 8176
	MFA       bool
	Challenge string // SSOBegin.CodeChallenge
}

// SSOLink is an identity that waits for its user to say that it is his.
type SSOLink struct {
	UserRef
	Provider tenant.ID
	Identity Identity
	Expires  time.Time
	Browser  Hash // of the cookie that the link is bound to
}
