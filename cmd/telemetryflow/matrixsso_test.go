package main

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// ssoProbes are the routes of a login at an identity provider. No provider is called: those
// of the kind github need not say first where their pages are.
func ssoProbes() map[string]probe {
	ours := func(c *cell) []string { return ids(c.world.ours.provider) }
	return map[string]probe{
		"GET /api/v2/sso/providers":           {query: "?organization=heron"},
		"GET /api/v2/sso/{provider}/login":    {ids: ours},
		"GET /api/v2/sso/{provider}/callback": {ids: ours, query: "?state=garbage&code=garbage", accept: "application/json"},
		"POST /api/v2/sso/token": {body: func(c *cell) any {
			code, verifier := c.loginCode()
			return object{"code": code, "codeVerifier": verifier}
		}},
		"POST /api/v2/sso/link": {body: func(c *cell) any { return object{"code": c.linkCode()} }},
	}
}

// providerProbes are the identity providers and the domains of an organization.
func providerProbes() map[string]probe {
	return map[string]probe{
		"GET /api/v2/sso-providers": {},
		"POST /api/v2/sso-providers": {body: func(c *cell) any {
			return object{"name": c.name(), "kind": "github", "clientId": "tf", "clientSecret": "s"}
		}},
		"GET /api/v2/sso-providers/{id}":        {ids: (*cell).providers},
		"PATCH /api/v2/sso-providers/{id}":      {ids: (*cell).providers, body: func(c *cell) any { return object{"displayName": c.name()} }},
		"DELETE /api/v2/sso-providers/{id}":     {ids: (*cell).providers},
		"POST /api/v2/sso-providers/{id}/check": {ids: (*cell).providers},
		"GET /api/v2/domains":                   {},
		"POST /api/v2/domains":                  {body: func(c *cell) any { return object{"domain": c.name() + ".example.com"} }},
		"POST /api/v2/domains/{domain}/verify":  {ids: (*cell).domains},
		"DELETE /api/v2/domains/{domain}":       {ids: (*cell).domains},
	}
}

func (c *cell) providers() []string {
	if c.spends() {
		return ids(c.estate().newProvider(c.T))
	}
	return ids(c.estate().provider)
}

func (c *cell) domains() []string {
	if c.spends() {
		return []string{c.estate().newDomain(c.T)}
	}
	return []string{c.estate().domain}
}

const ssoLife = time.Minute

// loginCode is what a program gets when its user has logged in at a provider.
func (c *cell) loginCode() (code, verifier string) {
	made, verifier := token.New(token.LoginCode), strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	of := queryserver.SSOCode{UserRef: c.world.ours.user, Methods: []string{"sso"}, Challenge: base64.RawURLEncoding.EncodeToString(sum[:])}
	require.NoError(c, c.world.store.KeepSSOCode(c.Context(), queryserver.Hash(made.Hash()), &of, time.Now().Add(ssoLife)))
	return made.Reveal(), verifier
}

// linkCode ends a link by which a user adopts an identity, in the browser of the cell.
func (c *cell) linkCode() string {
	o, code, browser := c.world.ours, token.New(token.EmailProof), token.New(token.SSOBrowser)
	link := queryserver.SSOLink{
		UserRef: o.newUser(c.T, queryserver.RoleViewer), Provider: o.provider, Identity: o.newIdentity(),
		Expires: time.Now().Add(ssoLife), Browser: queryserver.Hash(browser.Hash()),
	}
	require.NoError(c, c.world.store.KeepSSOLink(c.Context(), queryserver.Client{}, queryserver.Hash(code.Hash()), &link))
	cookie := httpapi.NewCookies(c.world.config.HTTP).Named(httpapi.SSOLinkCookie, browser.Reveal(), ssoLife)
	c.cookie = cookie.Name + "=" + cookie.Value
	return code.Reveal()
}
