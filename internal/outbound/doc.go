// Package outbound makes the HTTP client for URLs that users chose: identity
// providers, webhooks. It calls public addresses only, over TLS, and follows no
// redirect, so that a user cannot make this server speak to what only it can reach
// (server-side request forgery; OWASP ASVS 1.3.6, 15.3.2).
//
//	client, err := outbound.NewClient(outbound.Defaults())
//	response, err := client.Do(request)
//	if errors.Is(err, outbound.ErrRefused) { … }
//
// What counts is the address that is dialled, checked when it is: neither an odd
// spelling of an address nor a name that resolves anew to another one (rebinding)
// gets past. Proxies of the environment are not used, for they would be the ones who
// dial.
package outbound
