package queryserver

import (
	"net/netip"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// SubjectKind says what a subject is.
type SubjectKind string

// The kinds of subjects, as the audit trail names them.
const (
	UserSubject           SubjectKind = "user"
	ServiceAccountSubject SubjectKind = "service_account"
	APIKeySubject         SubjectKind = "api_key"
	OperatorSubject       SubjectKind = "operator" // a command on the server's machine
	SystemSubject         SubjectKind = "system"
)

// ServiceTokenPrefix begins the tokens of service accounts, by which they are told from
// the access tokens of users.
const ServiceTokenPrefix = "tft_"

// Subject is who acts.
type Subject struct {
	Kind SubjectKind
	ID   string
}

// Client is where a call comes from, as the audit trail and the notices of new devices
// show it.
type Client struct {
	IP        netip.Addr
	UserAgent string
	RequestID string
}

// Call is a call whose caller is proved.
type Call struct {
	Subject Subject
	Client  Client
	// Session is of users; zero for others.
	Session tenant.ID
	Scope   Scope
}
