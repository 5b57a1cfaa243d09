package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Authenticator proves who calls. It returns a *queryserver.Error: Unauthenticated for
// every credential that does not hold, Unavailable when that cannot be found out. The
// call it returns may be shared between requests: it is copied, never changed.
type Authenticator interface {
	Authenticate(ctx context.Context, presented Presented) (*queryserver.Call, error)
}

// CredentialKind is the form in which a credential came.
type CredentialKind string

// The kinds of credentials.
const (
	BearerCredential  CredentialKind = "bearer"  // Token: an access JWT or the token of a service account
	SessionCredential CredentialKind = "session" // Token: the value of the session cookie
	APIKeyCredential  CredentialKind = "api_key" // Key, and Choice among its tenants
)

// Presented is the one credential of a request and where it comes from.
type Presented struct {
	Kind  CredentialKind
	Token configopaque.String
	Key   apikey.Credential
	// Choice is what X-Workspace-Id and X-Tenant-Id name. Only API keys and service
	// accounts may choose, among the tenants that they have; users switch explicitly.
	Choice tenant.Choice
	Client queryserver.Client
	// Limited hears of the state of an API key's request limit, which the answer shows
	// whether the request is refused or not.
	Limited func(apikey.RateLimit)
}

// LogValue leaves the secrets out.
func (p Presented) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", string(p.Kind)), slog.String("ip", p.Client.IP.String()))
}

func errMalformed() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "the credential is malformed")
}

// present reads the credential of a request. None at all is Unauthenticated, and two are
// Invalid: a proxy or a log might go by the other one.
func present(r *http.Request, sessionCookie string) (Presented, error) {
	p := Presented{Client: exchangeOf(r.Context()).origin()}
	authorization, cookies := r.Header.Values("Authorization"), sessions(r, sessionCookie)
	given := len(authorization) + len(cookies)
	for _, names := range [][2]string{{apikey.IDHeader, apikey.SecretHeader}, {apikey.VendorIDHeader, apikey.VendorSecretHeader}} {
		if ids, secrets := len(r.Header.Values(names[0])), len(r.Header.Values(names[1])); ids+secrets > 0 {
			given += max(ids, secrets)
			p.Kind = APIKeyCredential
		}
	}
	switch {
	case given == 0:
		return p, queryserver.Errorf(queryserver.Unauthenticated, "this needs a credential")
	case given > 1:
		return p, queryserver.Errorf(queryserver.Invalid, "the request has several credentials; send one")
	case len(cookies) == 1:
		p.Kind, p.Token = SessionCredential, configopaque.String(cookies[0])
		return p, nil
	case p.Kind == APIKeyCredential:
		return p, p.readKey(r.Header)
	default:
		return p, p.readAuthorization(r.Header, authorization[0])
	}
}

func sessions(r *http.Request, name string) []string {
	var values []string
	for _, cookie := range r.CookiesNamed(name) {
		values = append(values, cookie.Value)
	}
	return values
}

// readAuthorization tells an API key, written Basic or Bearer with its prefix, from other
// bearer tokens.
func (p *Presented) readAuthorization(header http.Header, text string) error {
	scheme, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if strings.EqualFold(scheme, "Basic") || strings.HasPrefix(rest, "tfk_") {
		p.Kind = APIKeyCredential
		return p.readKey(header)
	}
	if !strings.EqualFold(scheme, "Bearer") || rest == "" || strings.ContainsAny(rest, " ,") {
		return errMalformed()
	}
	p.Kind, p.Token = BearerCredential, configopaque.String(rest)
	if !strings.HasPrefix(rest, queryserver.ServiceTokenPrefix) {
		return nil
	}
	read := apikey.ReadHeaders(header)
	return p.readChoice(&read)
}

func (p *Presented) readKey(header http.Header) error {
	read := apikey.ReadHeaders(header)
	var err error
	if p.Key, err = read.Credential(); err != nil {
		return errMalformed()
	}
	return p.readChoice(&read)
}

func (p *Presented) readChoice(read *apikey.Headers) (err error) {
	if p.Choice, err = read.Choice(); err != nil {
		return queryserver.Errorf(queryserver.Invalid, "%s", status.Convert(err).Message())
	}
	return nil
}
