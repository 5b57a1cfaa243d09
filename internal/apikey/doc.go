// Package apikey holds what every part of TelemetryFlow shares about API keys:
// how a credential looks ([Credential]), how it is read from headers and gRPC
// metadata ([ReadHeaders]), how a secret is hashed ([Hash], [Matches]), and the
// seam between the authenticator and the receiver behind it.
//
// # For receivers
//
// After a successful Authenticate the context carries the state of the key's
// request limit, for X-RateLimit-* headers, and its budget of items and bytes:
//
//	ctx, err := server.Authenticate(ctx, headers)
//	if limit, ok := apikey.RateLimitFromError(err); ok { … } // 429: headers and Retry-After
//	if limit, ok := apikey.RateLimitFromContext(ctx); ok { … } // headers of any other answer
//	err = apikey.Spend(ctx, items, bytes) // once, after decompression and decoding
//
// Every error of Authenticate and Spend is a gRPC status error. Their codes are
// Unauthenticated, Unavailable and ResourceExhausted (both with RetryInfo) and
// InvalidArgument. Their texts are meant for clients.
//
// # Elsewhere
//
// Package keystore reads keys from PostgreSQL and Redis, package verify decides
// and hears of changes, package limit leases, package keyadmin creates, rotates
// and revokes.
package apikey
