// Package jwt issues and verifies the access tokens of the query server: JWTs of the
// type at+jwt (RFC 9068), signed by Ed25519 (RFC 8037), good for some minutes. Nothing
// else that the server hands out is a JWT, so that no token is taken for another.
//
//	ring, err := jwt.NewRing(ctx, store, sealer, settings, logger)
//	go ring.Run(ctx)
//	tokens := jwt.New(ring)
//
//	text, claims, err := tokens.Issue(jwt.Claims{Subject: user, Session: session, Organization: organization})
//	claims, err = tokens.Verify(text)
//
// Keys rotate by themselves. The next is published in the key set (RFC 7517) before it
// is used, and the last one verifies until its tokens have expired; Schedule.Plan is all
// there is to it. Several servers share the keys through a Store, which holds them
// sealed.
package jwt
