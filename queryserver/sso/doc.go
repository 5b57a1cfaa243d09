// Package sso is the client's side of OpenID Connect and of GitHub's OAuth 2.0: it
// sends a browser to an identity provider, and proves who came back. Which user that
// is, and whether he may come in, others decide.
//
//	client, err := sso.New(sso.Settings{HTTP: outboundClient})
//
//	login, err := client.Begin(ctx, provider, sso.Request{RedirectURI: callbackURL, ReturnTo: "/dashboards"})
//	// Keep login.Pending under login.Pending.State, set login.Cookie as a cookie with
//	// the prefix __Host-, and redirect to login.URL.
//
//	key, err := sso.PendingKey(callback)
//	// Take the Pending of that key out of the store, once and for all.
//	identity, err := client.Finish(ctx, provider, pending, callback, cookie)
//
// Identity is (Provider, Issuer, Subject), never an e-mail address. docs/sso.md says
// why, and how to set up a provider.
//
// Errors are *queryserver.Error: Invalid for a faulty configuration or request,
// Unauthenticated when who came back is not proved, Unavailable when the provider
// cannot answer. What a provider writes is in no message.
package sso
