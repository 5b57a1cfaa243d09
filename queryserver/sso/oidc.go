package sso

import (
	"context"
	"errors"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// finishOIDC exchanges the code and proves what it brings.
func (c *Client) finishOIDC(ctx context.Context, provider *Provider, pending *Pending, came *answer, values derived) (Identity, error) {
	found, err := c.metadata.get(ctx, provider)
	if err != nil {
		return Identity{}, err
	}
	if err := found.answeredBy(came.issuer); err != nil {
		return Identity{}, refused(err)
	}
	if err := came.granted(); err != nil {
		return Identity{}, err
	}
	config, err := c.oauth2Config(ctx, provider, pending.RedirectURI)
	if err != nil {
		return Identity{}, err
	}
	token, err := config.Exchange(ctx, came.code, oauth2.VerifierOption(values.verifier))
	if err != nil {
		return Identity{}, exchangeFailed(err)
	}
	signed, err := verifySignature(ctx, provider, found, token)
	if err != nil {
		return Identity{}, err
	}
	fit := &expectation{provider: provider, metadata: found, pending: pending, nonce: values.nonce, accessToken: token.AccessToken, now: c.now()}
	if err := fit.check(signed); err != nil {
		return Identity{}, refused(err)
	}
	if isTemplate(found.issuer) && came.issuer != "" && came.issuer != signed.Issuer {
		return Identity{}, refused(errors.New("the callback and the ID token name two issuers"))
	}
	return identify(ctx, provider, found, signed, token)
}

// answeredBy checks the issuer that a callback names, before the code goes anywhere
// (RFC 9207 section 2.4).
func (m *metadata) answeredBy(issuer string) error {
	switch {
	case issuer == "" && m.issuerIn:
		return errors.New("the callback does not name the issuer, which the provider says it does")
	case issuer != "" && issuer != m.issuer && !fromTemplate(m.issuer, issuer):
		return errors.New("the callback names another issuer")
	}
	return nil
}

// idToken is an ID token whose signature holds.
type idToken struct {
	*oidc.IDToken
	claims claims
}

// verifySignature proves that the provider made the ID token, for this client, with an
// allowed algorithm. The keys are only ever those of the discovery document, whatever
// the token's header says.
func verifySignature(ctx context.Context, provider *Provider, found *metadata, token *oauth2.Token) (*idToken, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" || len(raw) > maxIDToken {
		return nil, refused(errors.New("the token endpoint gave no ID token, or one that is too long"))
	}
	keys := &watchedKeys{KeySet: found.keys}
	verified, err := oidc.NewVerifier(found.issuer, keys, &oidc.Config{
		ClientID:             provider.ClientID,
		SupportedSigningAlgs: provider.algorithms(),
		SkipIssuerCheck:      isTemplate(found.issuer), // checkDirectory does it
		SkipExpiryCheck:      true,                     // checkTimes does it, with our skew
	}).Verify(ctx, raw)
	if keys.unread != nil {
		return nil, callFailed(keys.unread)
	}
	if err != nil {
		return nil, refused(err)
	}
	signed := &idToken{IDToken: verified}
	if err := verified.Claims(&signed.claims); err != nil {
		return nil, refused(err)
	}
	return signed, nil
}

// watchedKeys remembers that keys could not be read, which the verifier's error does
// not tell from a signature that does not hold.
type watchedKeys struct {
	oidc.KeySet
	unread error
}

// VerifySignature is of oidc.KeySet.
func (w *watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, jwt)
	var call *url.Error
	if errors.As(err, &call) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		w.unread = err
	}
	return payload, err
}
