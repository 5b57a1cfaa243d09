package sso

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.opentelemetry.io/collector/config/configopaque"
	"golang.org/x/oauth2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Request is somebody's wish to log in.
type Request struct {
	// RedirectURI is where the provider sends the browser back: https, or http on
	// loopback, with Provider.ID as a segment of its path.
	RedirectURI string
	// ReturnTo is where the browser goes afterwards; see the function ReturnTo.
	ReturnTo string
	// LoginHint is the address that the user has typed already, or empty.
	LoginHint string
}

// Login is a login that begins.
type Login struct {
	// URL is the provider's page for the browser.
	URL string
	// Cookie is a secret of 256 bits that binds the login to the browser. It belongs
	// into a __Host- cookie: Secure, HttpOnly, SameSite=Lax, for 10 minutes.
	Cookie  configopaque.String
	Pending Pending
}

// Begin prepares a login for one browser: with PKCE (RFC 7636, S256), state and nonce,
// each of 256 bits. It calls the provider unless its discovery is known.
func (c *Client) Begin(ctx context.Context, provider Provider, request Request) (Login, error) {
	if err := provider.Validate(); err != nil {
		return Login{}, err
	}
	if !ownRedirect(request.RedirectURI, provider.ID) {
		return Login{}, queryserver.Errorf(queryserver.Internal, "The redirect URI of provider %s is not its own.", provider.ID)
	}
	returnTo, err := ReturnTo(request.ReturnTo)
	if err != nil {
		return Login{}, err
	}
	config, err := c.oauth2Config(ctx, &provider, request.RedirectURI)
	if err != nil {
		return Login{}, err
	}
	kept := newSecret()
	values, err := kept.derive()
	if err != nil {
		return Login{}, err
	}
	now := c.now()
	return Login{
		URL:    config.AuthCodeURL(values.state, options(&provider, values, request.LoginHint)...),
		Cookie: configopaque.String(kept.cookie()),
		Pending: Pending{
			State: fingerprint(values.state), Provider: provider.ID, Issuer: provider.issuer(),
			RedirectURI: request.RedirectURI, ReturnTo: returnTo, Begun: now, Expires: now.Add(pendingTTL),
		},
	}, nil
}

func options(provider *Provider, values derived, hint string) []oauth2.AuthCodeOption {
	made := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(values.verifier)}
	if provider.Kind != GitHub {
		made = append(made, oidc.Nonce(values.nonce))
	}
	if hint != "" {
		name := "login_hint"
		if provider.Kind == GitHub {
			name = "login"
		}
		made = append(made, oauth2.SetAuthURLParam(name, printable(hint, maxEmail)))
	}
	for _, name := range slices.Sorted(maps.Keys(provider.Parameters)) {
		made = append(made, oauth2.SetAuthURLParam(name, provider.Parameters[name]))
	}
	return made
}

// oauth2Config is how to speak with a provider.
func (c *Client) oauth2Config(ctx context.Context, provider *Provider, redirectURI string) (*oauth2.Config, error) {
	config := &oauth2.Config{
		ClientID: provider.ClientID, ClientSecret: string(provider.ClientSecret),
		RedirectURL: redirectURI, Scopes: provider.scopes(),
	}
	if provider.Kind == GitHub {
		config.Endpoint = githubEndpoint(provider.issuer())
		return config, nil
	}
	found, err := c.metadata.get(ctx, provider)
	if err != nil {
		return nil, err
	}
	config.Endpoint = found.endpoint
	return config, nil
}

// Check proves that a configuration can be used, as far as that goes without a login:
// it is valid, and the provider is there and describes itself as configured.
func (c *Client) Check(ctx context.Context, provider Provider) error {
	if err := provider.Validate(); err != nil {
		return err
	}
	_, err := c.oauth2Config(ctx, &provider, "")
	return err
}

// ownRedirect says whether a redirect URI belongs to one provider alone, so that what
// one provider sends cannot be taken for another's (RFC 9700 section 4.4.2.2).
func ownRedirect(text, id string) bool {
	parsed, err := url.Parse(text)
	if err != nil || parsed.RawQuery != "" || parsed.Fragment != "" || parsed.User != nil {
		return false
	}
	local := parsed.Hostname() == "localhost" || parsed.Hostname() == "127.0.0.1" || parsed.Hostname() == "::1"
	secure := parsed.Scheme == "https" || parsed.Scheme == "http" && local
	return secure && parsed.Host != "" && slices.Contains(strings.Split(parsed.Path, "/"), id)
}
