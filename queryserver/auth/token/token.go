package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	prefixLength = 4
	randomBytes  = 32 // 256 bits; ASVS 7.2.3 and 11.5.1 ask for 128
	length       = prefixLength + 2*randomBytes
	redacted     = "[token]"
)

// errForm does not repeat the text, which may be a secret with a typing error.
var errForm = errors.New("the text does not have the form of such a token")

// Token is a secret. It prints and logs as [token]; Reveal gives its written form.
type Token struct{ text string }

// New makes a token of 256 bits from crypto/rand.
func New(kind Kind) Token {
	var random [randomBytes]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	return Token{text: string(kind) + hex.EncodeToString(random[:])}
}

// Parse reads a token of one kind: its prefix and 64 lower-case hex digits, nothing
// else, so that a token has one spelling.
func Parse(kind Kind, text string) (Token, error) {
	if found, ok := KindOf(text); !ok || found != kind {
		return Token{}, errForm
	}
	return Token{text: text}, nil
}

// Reveal is the written form, for the one who gets the token.
func (t Token) Reveal() string { return t.text }

// Hash is what is stored: the SHA-256 of the written form, prefix included.
func (t Token) Hash() Hash { return sha256.Sum256([]byte(t.text)) }

// Format keeps the secret out of every verb of package fmt.
func (t Token) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue keeps the secret out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText refuses: an answer that carries a token says so by Reveal.
func (t Token) MarshalText() ([]byte, error) {
	return nil, errors.New("a token is not written by accident")
}

// Hash is the SHA-256 of a token.
type Hash [sha256.Size]byte

// Matches says whether the token has this hash, in constant time.
func (h Hash) Matches(t Token) bool {
	given := t.Hash()
	return subtle.ConstantTimeCompare(h[:], given[:]) == 1
}

func digits(text string) bool {
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
