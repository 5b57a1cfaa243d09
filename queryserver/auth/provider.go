package auth

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// IdentityProviders speaks with identity providers, as package sso does. A provider comes
// with its secret, unsealed.
type IdentityProviders interface {
	// Validate is Invalid with the fields at fault. It calls nobody.
	Validate(provider *queryserver.Provider, secret string) error
	// Check also asks the provider about itself.
	Check(ctx context.Context, provider *queryserver.Provider, secret string) error
	Begin(ctx context.Context, provider *queryserver.Provider, secret string, request ProviderRequest) (ProviderLogin, error)
	// State is what the login of a callback was kept under.
	State(callback url.Values) (queryserver.Hash, error)
	// Finish proves who came back. Pending is that of the ProviderLogin.
	Finish(ctx context.Context, provider *queryserver.Provider, secret string, pending []byte, callback url.Values, cookie string) (queryserver.Identity, error)
}

// ProviderRequest is a login that is to begin.
type ProviderRequest struct {
	RedirectURI string // the provider's own, of this server
	ReturnTo    string
	LoginHint   string // an e-mail address, or empty
}

// ProviderLogin is a login that has begun.
type ProviderLogin struct {
	URL, Cookie string
	ReturnTo    string // checked: a path of this server
	State       queryserver.Hash
	Pending     []byte // holds no secret
	Expires     time.Time
}

// ProviderPath begins the paths of a provider; its segment follows.
const ProviderPath = "/api/v2/sso/"

func (s *Service) redirectURI(provider *queryserver.Provider) string {
	return s.settings.PublicURL + ProviderPath + provider.Segment() + "/callback"
}

// SealProvider seals the secret of a provider, for its row and for whom it is sent to: a
// configuration that names another issuer does not open it.
func SealProvider(sealer *seal.Sealer, provider *queryserver.Provider, secret string) {
	provider.Sealed = []byte(sealer.Seal([]byte(secret), providerRow(provider)))
}

func providerRow(p *queryserver.Provider) seal.Row {
	return seal.Row{Table: "sso_providers", Column: "client_secret", ID: strings.Join([]string{p.ID.String(), p.Kind, p.Issuer}, " ")}
}

func (s *Service) secretOf(provider *queryserver.Provider) (string, error) {
	secret, err := s.Sealer.Open(string(provider.Sealed), providerRow(provider))
	return string(secret), err
}

// LoginProviders are what a login page may offer to somebody of an organization, or with
// an e-mail address; with neither, or unknown ones, those of the installation.
func (s *Service) LoginProviders(ctx context.Context, organization, email string) ([]queryserver.Provider, error) {
	return s.Store.LoginProviders(ctx, organization, normal(email))
}

func errNoProvider() error {
	return queryserver.Errorf(queryserver.NotFound, "There is no such identity provider.")
}

// findProvider finds a provider by its UUID, or by its name: the organization's one before
// that of the installation.
func (s *Service) findProvider(ctx context.Context, begin *queryserver.SSOBegin) (provider queryserver.Provider, err error) {
	id, parseErr := tenant.ParseID(begin.Provider)
	if parseErr != nil {
		offered, err := s.LoginProviders(ctx, begin.Organization, begin.Email)
		if err != nil {
			return provider, err
		}
		for _, p := range offered {
			if p.Name == begin.Provider {
				id = p.ID
				break
			}
		}
	}
	if id.IsZero() {
		return provider, errNoProvider()
	}
	provider, err = s.Store.LoginProvider(ctx, id)
	if is(err, queryserver.NotFound) {
		err = errNoProvider()
	}
	return provider, err
}

// Providers are those of the organization of a call.
func (s *Service) Providers(ctx context.Context, call *queryserver.Call) ([]queryserver.Provider, error) {
	return s.Store.Providers(ctx, call)
}

// Provider is one of them.
func (s *Service) Provider(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Provider, error) {
	return s.Store.Provider(ctx, call, id)
}

// CreateProvider makes a provider of the organization of a call.
func (s *Service) CreateProvider(ctx context.Context, call *queryserver.Call, provider *queryserver.Provider, secret string) error {
	provider.ID, provider.Organization = tenant.NewID(), call.Scope.Organization()
	if err := CheckProviderName(provider.Name); err != nil {
		return err
	}
	if err := s.Identities.Validate(provider, secret); err != nil {
		return err
	}
	SealProvider(s.Sealer, provider, secret)
	return s.Store.CreateProvider(ctx, call, provider)
}

// CheckProviderName refuses a name that reads as a UUID, by which organizations' providers
// are named.
func CheckProviderName(name string) error {
	if _, err := tenant.ParseID(name); err == nil {
		return invalidField("name", "must not be a UUID")
	}
	return nil
}

func invalidField(field, message string) error {
	return &queryserver.Error{Code: queryserver.Invalid, Message: "A value is outside of what is allowed.",
		Fields: []queryserver.FieldError{{Location: "body." + field, Message: message}}}
}

// UpdateProvider changes a provider. An empty secret keeps the one there is, unless it
// would be sent to somebody else from now on.
func (s *Service) UpdateProvider(ctx context.Context, call *queryserver.Call, id tenant.ID, secret string, change func(*queryserver.Provider)) error {
	read, err := s.Store.Provider(ctx, call, id)
	if err != nil {
		return err
	}
	next := read
	change(&next)
	if secret == "" {
		if next.Issuer != read.Issuer || next.Kind != read.Kind {
			return invalidField("clientSecret", "must be given again with another issuer or kind")
		}
		if secret, err = s.secretOf(&read); err != nil {
			return err
		}
	} else {
		next.Sealed = nil
	}
	if err := s.Identities.Validate(&next, secret); err != nil {
		return err
	}
	if next.Sealed == nil {
		SealProvider(s.Sealer, &next, secret)
	}
	return s.Store.UpdateProvider(ctx, call, &next, read.Sealed)
}

// DeleteProvider deletes a provider with the identities there.
func (s *Service) DeleteProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.Store.DeleteProvider(ctx, call, id)
}

// CheckProvider proves a configuration as far as that goes without a login.
func (s *Service) CheckProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	provider, err := s.Store.Provider(ctx, call, id)
	if err != nil {
		return err
	}
	secret, err := s.secretOf(&provider)
	if err != nil {
		return err
	}
	return s.Identities.Check(ctx, &provider, secret)
}
