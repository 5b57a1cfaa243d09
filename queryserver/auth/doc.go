// Package auth proves who calls, and makes the scope of the call.
//
//	result, err := service.Login(ctx, queryserver.LoginAttempt{Email: …, Password: …, Client: …})
//	call, err := service.Authenticate(ctx, presented)
//
// Every way in gives the same kind of scope: a JWT, a session cookie, a token of a service
// account, an API key. What the scope allows is read anew for each call, through a cache
// that hears of changes, so that a role that is taken away is gone everywhere in seconds.
//
// A login is refused in one way, whatever was wrong: in its words, in its code and in its
// time. docs/security.md has the policy against guessing.
package auth
