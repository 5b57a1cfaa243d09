package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

const (
	// ssoCodeLife is how long a program may take for the exchange, which it makes at once.
	ssoCodeLife = time.Minute
	// ssoLinkLife is how long the e-mail may take to be read, like that of a new password.
	ssoLinkLife = time.Hour
)

// ExchangeSSO gives a program the session of a login at a provider, or what it lacks, for
// the code that the browser brought: once, and only with the secret whose hash the login
// began with, so that a code alone, found in a history or a log, is worth nothing
// (RFC 9700 section 2.1.1).
func (s *Service) ExchangeSSO(ctx context.Context, code, verifier, device string, client queryserver.Client) (*queryserver.LoginResult, error) {
	presented, err := token.Parse(token.LoginCode, code)
	if err != nil {
		return nil, errSignIn()
	}
	of, err := s.Store.TakeSSOCode(ctx, queryserver.Hash(presented.Hash()))
	if is(err, queryserver.NotFound) {
		return nil, errSignIn()
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(of.Challenge)) != 1 {
		return nil, errSignIn()
	}
	return s.proceed(ctx, of.UserRef, of.Methods, of.MFA, opening{client: client, device: device})
}
