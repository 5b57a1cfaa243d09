package apikey

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
)

// A credential is an id, which may be shown, and a secret of 256 random bits.
// The prefixes let secret scanners find leaked ones.
const (
	idPrefix     = "tfk_"
	secretPrefix = "tfs_"
	secretBytes  = 32
	idLength     = len(idPrefix) + 2*len(ID{})
	secretLength = len(secretPrefix) + 2*secretBytes
)

// ID is the public half of a credential, written tfk_ and 32 hex digits.
type ID [16]byte

var errID = errors.New("an API key id is tfk_ and 32 lower-case hex digits")

// ParseID reads the written form. Upper-case digits are refused, so that a key
// has one spelling.
func ParseID(text string) (ID, error) {
	var id ID
	if !hasForm(text, idPrefix, idLength) {
		return ID{}, errID
	}
	if _, err := hex.Decode(id[:], []byte(text[len(idPrefix):])); err != nil {
		return ID{}, errID
	}
	return id, nil
}

// String returns the written form.
func (id ID) String() string { return idPrefix + hex.EncodeToString(id[:]) }

// Credential is an id and the secret in its written form.
type Credential struct {
	ID     ID
	Secret string
}

// NewCredential makes a credential of a new key.
func NewCredential() Credential {
	var id ID
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails (Go 1.24)
	return Credential{ID: id, Secret: NewSecret()}
}

// NewSecret makes a secret: tfs_ and 64 hex digits.
func NewSecret() string {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:])
	return secretPrefix + hex.EncodeToString(random[:])
}

// ValidSecret reports whether the text has the form of a secret.
func ValidSecret(text string) bool { return hasForm(text, secretPrefix, secretLength) }

func parseCredential(id, secret string) (Credential, error) {
	parsed, err := ParseID(id)
	if err != nil || !ValidSecret(secret) {
		return Credential{}, ErrUnauthenticated
	}
	return Credential{ID: parsed, Secret: secret}, nil
}

func hasForm(text, prefix string, length int) bool {
	if len(text) != length || !strings.HasPrefix(text, prefix) {
		return false
	}
	for _, c := range []byte(text[len(prefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
