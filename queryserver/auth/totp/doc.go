// Package totp is the second factor: time-based codes (RFC 6238) and recovery codes.
// Codes have six digits of HMAC-SHA-1 and change every 30 seconds, which is what every
// authenticator app can do. One step of clock difference is allowed to either side, and
// no step is accepted twice (RFC 6238, 5.2; OWASP ASVS 5.0, 6.5.1).
//
//	secret := totp.New()
//	show(secret.URI("TelemetryFlow", "ada@example.com"))
//
//	step, ok := secret.Match(code, now, lastStep)
//	// then, in one statement: UPDATE … SET last_step = step WHERE last_step < step
package totp
