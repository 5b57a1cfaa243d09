package token

import (
	"slices"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Kind is what a token is for; its text is the prefix of the written form. The
// prefixes tfk_ and tfs_ belong to API keys.
type Kind string

// The kinds of tokens.
const (
	Refresh        Kind = "tfr_"                         // gets the next access token, once
	Session        Kind = "tfb_"                         // a browser's session cookie
	Device         Kind = "tfd_"                         // a cookie that tells a device that has logged in before
	Challenge      Kind = "tfm_"                         // between the password and the second factor
	Invitation     Kind = "tfi_"                         // a link into an organization
	Reset          Kind = "tfp_"                         // a link to a new password
	EmailProof     Kind = "tfe_"                         // a link that proves an e-mail address
	SetUp          Kind = "tfu_"                         // the link of the first run
	SSOBrowser     Kind = "tfo_"                         // a cookie that binds the link to an identity to the browser that asked for it
	DomainProof    Kind = "tfv_"                         // what a domain publishes to be an organization's
	LoginCode      Kind = "tfl_"                         // what a finished SSO login is exchanged by
	ServiceAccount Kind = queryserver.ServiceTokenPrefix // an API token of a service account
)

// kinds lists all, for KindOf.
func kinds() []Kind {
	return []Kind{
		Refresh, Session, Device, Challenge, Invitation, Reset, EmailProof, SetUp, SSOBrowser,
		DomainProof, LoginCode, ServiceAccount,
	}
}

// KindOf tells what kind of token the text has the form of, and false if of none: it
// may still be a JWT or an API key.
func KindOf(text string) (Kind, bool) {
	if len(text) != length {
		return "", false
	}
	kind := Kind(text[:prefixLength])
	return kind, slices.Contains(kinds(), kind) && digits(text[prefixLength:])
}
