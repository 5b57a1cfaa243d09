package sso

import (
	"go.opentelemetry.io/collector/config/configopaque"
)

// Kind says what a provider speaks.
type Kind string

// The kinds of providers.
const (
	// OIDC is any OpenID provider with discovery.
	OIDC Kind = "oidc"
	// Google is OpenID Connect with Google's accounts.
	Google Kind = "google"
	// Entra is OpenID Connect with Microsoft Entra, of one or of many directories.
	Entra Kind = "entra"
	// GitHub is OAuth 2.0 with github.com or a GitHub Enterprise Server.
	GitHub Kind = "github"
)

// Provider is an identity provider as an administrator configured it.
type Provider struct {
	// ID is unique in the installation and a segment of the provider's own redirect
	// URI, which no other provider shares (RFC 9700 section 4.4): 1 to 64 letters,
	// digits, - or _.
	ID string `json:"id"`
	// Name is what users see, such as "Example Corp.".
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Issuer is the provider's address, exactly as its discovery document spells it.
	// Empty is accounts.google.com, every directory of Entra for work or school, or
	// github.com.
	Issuer       string              `json:"issuer"`
	ClientID     string              `json:"clientId"`
	ClientSecret configopaque.String `json:"-"`
	// Scopes are asked for; empty is openid, profile and email, or for GitHub
	// read:user and user:email.
	Scopes []string `json:"scopes"`
	// Algorithms may sign ID tokens; empty is RS256, PS256, ES256 and EdDSA.
	Algorithms []string `json:"algorithms"`
	// Parameters are added to the authorization request, such as prompt or hd. An hd
	// and a max_age are checked in the answer.
	Parameters map[string]string `json:"parameters"`
	// Directories are the ids of the Entra directories whose users may log in; empty
	// is every one that Issuer covers.
	Directories []string `json:"directories"`
}

const (
	googleIssuer = "https://accounts.google.com"
	entraIssuer  = "https://login.microsoftonline.com/organizations/v2.0"
	githubIssuer = "https://github.com"
)

func (p *Provider) issuer() string {
	if p.Issuer != "" {
		return p.Issuer
	}
	return map[Kind]string{Google: googleIssuer, Entra: entraIssuer, GitHub: githubIssuer}[p.Kind]
}

func (p *Provider) scopes() []string {
	switch {
	case len(p.Scopes) > 0:
		return p.Scopes
	case p.Kind == GitHub:
		return []string{"read:user", "user:email"}
	}
	return []string{"openid", "profile", "email"}
}

func (p *Provider) algorithms() []string {
	if len(p.Algorithms) > 0 {
		return p.Algorithms
	}
	return []string{"RS256", "PS256", "ES256", "EdDSA"}
}
