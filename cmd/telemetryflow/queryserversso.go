package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/outbound"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/sso"
)

// identityProviders is package sso in the words of package auth.
type identityProviders struct{ client *sso.Client }

func newIdentityProviders(settings outbound.Settings) (identityProviders, error) {
	guarded, err := outbound.NewClient(settings)
	if err != nil {
		return identityProviders{}, err
	}
	client, err := sso.New(sso.Settings{HTTP: guarded})
	return identityProviders{client}, err
}

// providerOf names a provider by the segment of its redirect URI.
func providerOf(p *queryserver.Provider, secret string) sso.Provider {
	return sso.Provider{
		ID: p.Segment(), Name: p.Shown(), Kind: sso.Kind(p.Kind), Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: configopaque.String(secret),
		Scopes: p.Scopes, Algorithms: p.Algorithms, Parameters: p.Parameters, Directories: p.Directories,
	}
}

// Validate is that of auth.IdentityProviders, as are the others.
func (identityProviders) Validate(p *queryserver.Provider, secret string) error {
	configured := providerOf(p, secret)
	return configured.Validate()
}

func (i identityProviders) Check(ctx context.Context, p *queryserver.Provider, secret string) error {
	return i.client.Check(ctx, providerOf(p, secret))
}

func (i identityProviders) Begin(ctx context.Context, p *queryserver.Provider, secret string, request auth.ProviderRequest) (auth.ProviderLogin, error) {
	login, err := i.client.Begin(ctx, providerOf(p, secret), sso.Request(request))
	if err != nil {
		return auth.ProviderLogin{}, err
	}
	state, err := hashOf(login.Pending.State)
	if err != nil {
		return auth.ProviderLogin{}, err
	}
	pending, err := json.Marshal(login.Pending)
	return auth.ProviderLogin{
		URL: login.URL, Cookie: string(login.Cookie), ReturnTo: login.Pending.ReturnTo, State: state, Pending: pending, Expires: login.Pending.Expires,
	}, err
}

func (identityProviders) State(callback url.Values) (queryserver.Hash, error) {
	key, err := sso.PendingKey(callback)
	if err != nil {
		return queryserver.Hash{}, err
	}
	return hashOf(key)
}

func hashOf(text string) (hash queryserver.Hash, err error) {
	if n, err := hex.Decode(hash[:], []byte(text)); err != nil || n != len(hash) {
		return hash, fmt.Errorf("read the hash of a state: %d bytes, %w", n, err)
	}
	return hash, nil
}

func (i identityProviders) Finish(ctx context.Context, p *queryserver.Provider, secret string, kept []byte, callback url.Values, cookie string) (queryserver.Identity, error) {
	var pending sso.Pending
	if err := json.Unmarshal(kept, &pending); err != nil {
		return queryserver.Identity{}, fmt.Errorf("read a login at a provider: %w", err)
	}
	found, err := i.client.Finish(ctx, providerOf(p, secret), pending, callback, cookie)
	return queryserver.Identity{
		Issuer: found.Issuer, Subject: found.Subject, Email: found.Email, EmailVerified: found.EmailVerified,
		Name: found.Name, Picture: found.Picture, MFA: manyFactors(found.AMR, found.ACR),
	}, err
}

// manyFactors says whether a provider vouches for more than one factor: by the method mfa
// of RFC 8176, or by one of the classes that say so (REFEDS MFA Profile; PAPE 1.0).
func manyFactors(amr []string, acr string) bool {
	return slices.Contains(amr, "mfa") ||
		acr == "https://refeds.org/profile/mfa" || acr == "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
}
