package sso

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Pending is a login that has begun: what to keep until the browser comes back, and to
// use once. It holds no secret.
type Pending struct {
	// State is the SHA-256 of the state, in hex: what to keep the rest under.
	State       string    `json:"state"`
	Provider    string    `json:"provider"` // Provider.ID
	Issuer      string    `json:"issuer"`   // as configured when it began
	RedirectURI string    `json:"redirectUri"`
	ReturnTo    string    `json:"returnTo"` // a path of this server
	Begun       time.Time `json:"begun"`
	Expires     time.Time `json:"expires"`
}

// PendingKey is Pending.State of the login that a callback belongs to. A callback
// without one state is Unauthenticated.
func PendingKey(callback url.Values) (string, error) {
	state, err := single(callback, "state")
	if err != nil {
		return "", refused(err)
	}
	if state == "" {
		return "", refused(errors.New("the callback has no state"))
	}
	return fingerprint(state), nil
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// secretBytes are 256 bits from the system's generator (ASVS 11.5.1).
const secretBytes = 32

// secret is the one random value of a login, and only the browser keeps it, in a
// cookie. State, nonce and PKCE verifier are derived from it, one way and each apart
// from the others, so that none of them is of use to another browser, and whoever
// reads the store learns none.
type secret []byte

func newSecret() secret {
	made := make(secret, secretBytes)
	_, _ = rand.Read(made) // never fails
	return made
}

// parseSecret reads a cookie.
func parseSecret(cookie string) (secret, error) {
	read, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(read) != secretBytes {
		return nil, errors.New("the browser has no cookie of a login that began")
	}
	return read, nil
}

func (s secret) cookie() string { return base64.RawURLEncoding.EncodeToString(s) }

// The values derived from a secret.
type derived struct{ state, nonce, verifier string }

func (s secret) derive() (derived, error) {
	var values [3]string
	for i, purpose := range []string{"state", "nonce", "code verifier"} {
		key, err := hkdf.Expand(sha256.New, s, "telemetryflow sso "+purpose, secretBytes)
		if err != nil {
			return derived{}, fmt.Errorf("derive the %s of a login: %w", purpose, err)
		}
		values[i] = base64.RawURLEncoding.EncodeToString(key)
	}
	return derived{state: values[0], nonce: values[1], verifier: values[2]}, nil
}

// resume proves that a callback ends this login, begun with this provider, by this
// browser, not long ago.
func (p *Pending) resume(provider *Provider, callback *answer, cookie string, now time.Time) (derived, error) {
	held, err := parseSecret(cookie)
	if err != nil {
		return derived{}, err
	}
	values, err := held.derive()
	switch {
	case err != nil:
		return derived{}, err
	case !same(values.state, callback.state) || !same(fingerprint(values.state), p.State):
		return derived{}, errors.New("the state is not that of this browser's login")
	case p.Provider != provider.ID || p.Issuer != provider.issuer():
		return derived{}, errors.New("the login began with another provider")
	case !now.Before(p.Expires) || now.Before(p.Begun.Add(-skew)):
		return derived{}, errors.New("the login began too long ago")
	}
	return values, nil
}

// same compares in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
