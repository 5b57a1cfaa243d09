package jwt

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	library "github.com/golang-jwt/jwt/v5"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	algorithm = "EdDSA"
	// tokenType tells access tokens from every other JWT (RFC 9068, 2.1; RFC 8725, 3.11).
	tokenType = "at+jwt"
	// clientID is whom tokens are issued to: the server's own UI and API.
	clientID = "telemetryflow"
	// maxToken bounds what is looked at. Ours have about 800 bytes.
	maxToken = 4096
)

// Tokens issues and verifies access tokens. It is safe for concurrent use.
type Tokens struct {
	ring     *Ring
	settings Settings
	parser   *library.Parser
	verified *verified
}

// New makes them with the keys of a ring, and the settings that it was made with.
func New(ring *Ring) *Tokens {
	settings := ring.settings
	return &Tokens{
		ring:     ring,
		settings: settings,
		verified: newVerified(settings.MaxVerified),
		parser: library.NewParser(
			library.WithValidMethods([]string{algorithm}),
			library.WithIssuer(settings.Issuer),
			library.WithAudience(settings.Audience),
			library.WithExpirationRequired(),
			library.WithNotBeforeRequired(),
			library.WithIssuedAt(),
			library.WithLeeway(settings.Leeway),
			library.WithTimeFunc(settings.now),
			library.WithStrictDecoding(), // a token has one spelling
		),
	}
}

// Issue signs a token, and gives the claims with the ID and the times that it put in.
// Claims that Verify would refuse are an error of the caller.
func (t *Tokens) Issue(claims Claims) (string, Claims, error) {
	now := t.settings.now().Truncate(time.Second) // as the token says it
	body := &wire{
		RegisteredClaims: library.RegisteredClaims{
			Issuer: t.settings.Issuer, Subject: claims.Subject.String(), Audience: library.ClaimStrings{t.settings.Audience},
			ID: rand.Text(), IssuedAt: library.NewNumericDate(now), NotBefore: library.NewNumericDate(now),
			ExpiresAt: library.NewNumericDate(now.Add(t.settings.Lifetime)),
		},
		ClientID: clientID, Session: claims.Session,
		Organization: claims.Organization, Workspace: claims.Workspace, Tenant: claims.Tenant,
	}
	said, err := body.claims()
	if err != nil {
		return "", Claims{}, fmt.Errorf("issue an access token: %w", err)
	}
	key, err := t.ring.signing(now)
	if err != nil {
		return "", Claims{}, err
	}
	token := library.NewWithClaims(library.SigningMethodEdDSA, body)
	token.Header["typ"], token.Header["kid"] = tokenType, key.ID
	text, err := token.SignedString(key.private)
	if err != nil {
		return "", Claims{}, fmt.Errorf("sign an access token: %w", err)
	}
	return text, said, nil
}

// Verify gives the claims of a token that this or another server has issued, and that
// is good now. Every other gives the same Unauthenticated; its cause is for the log and
// does not hold the token. That the session has not ended is for the caller to check.
func (t *Tokens) Verify(text string) (Claims, error) {
	if len(text) > maxToken {
		return Claims{}, invalid(errors.New("it is too long"))
	}
	if strings.ContainsAny(text, "\r\n") { // base64 decoders skip them
		return Claims{}, invalid(errors.New("it has line ends"))
	}
	now := t.settings.now()
	sum := sha256.Sum256([]byte(text))
	if known, found := t.verified.get(sum); found && t.stillGood(known, now) {
		return known.claims, nil
	}
	var body wire
	var key string
	_, err := t.parser.ParseWithClaims(text, &body, func(token *library.Token) (any, error) {
		id, err := keyOf(token.Header)
		if err != nil {
			return nil, err
		}
		found, known := t.ring.verifying(id, now)
		if !known {
			return nil, errors.New("kid is not among the keys")
		}
		key = id
		return found.public, nil
	})
	if err != nil {
		return Claims{}, invalid(err)
	}
	claims, err := body.claims()
	if err != nil {
		return Claims{}, invalid(err)
	}
	t.verified.put(sum, verifiedToken{claims: claims, key: key})
	return claims, nil
}

// stillGood repeats what depends on the time for a token that was verified before.
func (t *Tokens) stillGood(token verifiedToken, now time.Time) bool {
	_, trusted := t.ring.verifying(token.key, now)
	return trusted && now.Before(token.claims.Expires.Add(t.settings.Leeway)) &&
		!now.Before(token.claims.IssuedAt.Add(-t.settings.Leeway))
}

// keyOf reads the header, which must be as Issue writes it and no more: a token that
// names its own key by jku, jwk, x5u or x5c, or demands extensions by crit, is refused
// before its signature is looked at (ASVS 9.1.1 to 9.1.3; RFC 8725, 3.1).
func keyOf(header map[string]any) (string, error) {
	for name := range header {
		if name != "alg" && name != "typ" && name != "kid" {
			return "", errors.New("the header has more than alg, typ and kid")
		}
	}
	if header["typ"] != tokenType {
		return "", errors.New("typ is not " + tokenType)
	}
	id, _ := header["kid"].(string)
	return id, nil
}

func invalid(cause error) error {
	return &queryserver.Error{Code: queryserver.Unauthenticated, Message: "the access token is not valid", Cause: cause}
}
