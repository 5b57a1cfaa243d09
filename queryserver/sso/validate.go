package sso

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

var (
	idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// scopePattern is scope-token of RFC 6749 section 3.3.
	scopePattern = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,128}$`)
	// clientPattern is the visible part of what RFC 6749 appendix A allows.
	clientPattern    = regexp.MustCompile(`^[\x21-\x7E]{1,256}$`)
	parameterPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	guidPattern      = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

const (
	maxName       = 100
	maxIssuer     = 512
	maxSecret     = 4 << 10
	maxListed     = 32 // scopes, parameters or directories
	maxExtraValue = 256
)

// asymmetric are the algorithms that may be chosen. Those of a shared secret, and none,
// would let a client's secret or nobody sign (RFC 8725 section 3.1, ASVS 9.1.2).
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// reserved are the parameters that this package sets, or that would change where the
// answer goes or what it is.
var reserved = []string{
	"client_id", "client_secret", "code_challenge", "code_challenge_method", "dpop_jkt", "id_token_hint", "nonce",
	"redirect_uri", "registration", "request", "request_uri", "response_mode", "response_type", "scope", "state",
}

// Validate is Invalid with the fields at fault, or nil. It calls nobody.
func (p *Provider) Validate() error {
	f := &faults{}
	f.unless(idPattern.MatchString(p.ID), "id", "must be 1 to 64 letters, digits, - or _")
	f.unless(p.Name != "" && len(p.Name) <= maxName && p.Name == printable(p.Name, maxName), "displayName", "must be 1 to 100 bytes of printable text")
	f.unless(slices.Contains([]Kind{OIDC, Google, Entra, GitHub}, p.Kind), "kind", "must be oidc, google, entra or github")
	f.unless(clientPattern.MatchString(p.ClientID), "clientId", "must be 1 to 256 visible characters")
	f.unless(p.ClientSecret != "" && len(p.ClientSecret) <= maxSecret, "clientSecret", "must be given, in at most 4096 bytes")
	p.validateIssuer(f)
	p.validateLists(f)
	if len(f.fields) > 0 {
		return &queryserver.Error{Code: queryserver.Invalid, Message: "The identity provider is not configured correctly.", Fields: f.fields}
	}
	return nil
}

func (p *Provider) validateIssuer(f *faults) {
	issuer := p.issuer()
	parsed, valid := httpsURL(issuer)
	switch {
	case !valid || len(issuer) > maxIssuer || parsed.RawQuery != "":
		f.add("issuer", "must be an https:// URL without user, query and fragment")
	case p.Kind == GitHub && parsed.Path != "":
		f.add("issuer", "must be only https:// and the host of GitHub")
	case p.Kind == Entra && !guidPattern.MatchString(directory(issuer)) && !manyDirectories(issuer):
		f.add("issuer", "must end in /organizations/v2.0, /common/v2.0, or the directory's id in small letters and /v2.0")
	}
}

func (p *Provider) validateLists(f *faults) {
	f.unless(max(len(p.Scopes), len(p.Directories), len(p.Parameters)) <= maxListed, "scopes", "lists may have 32 entries")
	for _, scope := range p.Scopes {
		f.unless(scopePattern.MatchString(scope), "scopes", "must be scopes as RFC 6749 writes them")
		f.unless(scope != "offline_access", "scopes", "must not have offline_access: nothing is done in a user's absence")
	}
	f.unless(p.Kind == GitHub || slices.Contains(p.scopes(), "openid"), "scopes", "must have openid")
	for _, algorithm := range p.Algorithms {
		f.unless(slices.Contains(asymmetric, algorithm), "algorithms", "must be among "+strings.Join(asymmetric, ", "))
	}
	for name, value := range p.Parameters {
		f.unless(parameterPattern.MatchString(name) && !slices.Contains(reserved, name), "parameters", "must not set what the protocol sets")
		f.unless(len(value) <= maxExtraValue && value == printable(value, maxExtraValue), "parameters", "must have printable values of at most 256 bytes")
	}
	if text, set := p.Parameters["max_age"]; set {
		_, err := seconds(text)
		f.unless(err == nil, "parameters", "must have max_age in seconds")
	}
	f.unless(p.Kind == Entra || len(p.Directories) == 0, "directories", "are for Entra only")
	for _, id := range p.Directories {
		f.unless(guidPattern.MatchString(id), "directories", "must be ids of directories in small letters")
	}
}

// faults collects what is wrong, once per field.
type faults struct{ fields []queryserver.FieldError }

func (f *faults) unless(right bool, field, message string) {
	if !right {
		f.add(field, message)
	}
}

func (f *faults) add(field, message string) {
	location := "body." + field
	if !slices.ContainsFunc(f.fields, func(known queryserver.FieldError) bool { return known.Location == location }) {
		f.fields = append(f.fields, queryserver.FieldError{Location: location, Message: message})
	}
}

// httpsURL parses a URL that a browser or this server may be sent to.
func httpsURL(text string) (*url.URL, bool) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.User != nil ||
		parsed.Fragment != "" || parsed.Opaque != "" || strings.ContainsAny(text, "\\#") {
		return nil, false
	}
	return parsed, true
}
