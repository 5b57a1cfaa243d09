// Package token makes and reads the opaque secrets that the query server hands out:
// refresh tokens, session cookies, links in e-mails, MFA challenges. Each is 256
// random bits behind a prefix that tells its kind, so that one is never taken for
// another and secret scanners find leaked ones. Only the SHA-256 is stored; of 256
// random bits that is enough (OWASP ASVS 5.0, 6.5.2 and 11.5.1).
//
//	made := token.New(token.Reset)
//	store(made.Hash()); mail(made.Reveal())
//
//	given, err := token.Parse(token.Reset, text)
//	row := find(given.Hash())
package token
