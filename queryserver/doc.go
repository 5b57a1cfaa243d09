// Package queryserver is the domain of the query server: who may do what in which
// tenant, and the words that its parts share. It knows no technology. Each of the
// packages below it is one technology or capability, and none imports another:
//
//	auth       proves who calls, and makes the Scope of the call
//	httpapi    serves HTTP, and checks a route's permission
//	postgres   keeps users, roles, sessions and the audit trail
//	cache      remembers, in process and in Redis
//	mail       sends e-mail
//	sso        speaks OpenID Connect and OAuth 2.0 with identity providers
//
// cmd/telemetryflow puts them together.
package queryserver
