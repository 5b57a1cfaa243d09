package totp

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net/url"

	"github.com/pquerna/otp"
)

const (
	secretBytes = 20 // 160 bits, as RFC 4226, 4 (R6) recommends
	minSecret   = 16 // 128 bits, the least of RFC 4226, for seeds from elsewhere
	maxSecret   = 64 // the block of SHA-1; more adds nothing
	redacted    = "[TOTP secret]"
)

// Secret is the seed that the server and the app share. It prints and logs as
// [TOTP secret]; Bytes, Text and URI reveal it.
type Secret struct{ seed string }

// New makes a secret of 160 bits from crypto/rand (ASVS 6.5.3).
func New() Secret {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	return Secret{seed: string(random[:])}
}

// FromBytes is a secret that was stored, sealed, as its Bytes: 16 to 64 of them.
func FromBytes(seed []byte) (Secret, error) {
	if len(seed) < minSecret || len(seed) > maxSecret {
		return Secret{}, errors.New("a TOTP secret has 16 to 64 bytes")
	}
	return Secret{seed: string(seed)}, nil
}

// Bytes are the secret itself, to be sealed.
func (s Secret) Bytes() []byte { return []byte(s.seed) }

// Text is the secret in base32 without padding, to be typed into an app.
func (s Secret) Text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s.seed))
}

// URI is what an app reads from a QR code: otpauth://totp/issuer:account with the
// secret and its parameters, as the Key URI Format of Google Authenticator has them.
func (s Secret) URI(issuer, account string) string {
	query := url.Values{
		"secret": {s.Text()}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"},
	}
	// Apps read %20 as a space; some show the + of form encoding as it is.
	encoded := bytes.ReplaceAll([]byte(query.Encode()), []byte("+"), []byte("%20"))
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + string(encoded)
}

// QR draws a URI as a square PNG of so many pixels, at least about 200.
func QR(uri string, pixels int) ([]byte, error) {
	key, err := otp.NewKeyFromURL(uri)
	if err != nil {
		return nil, errors.New("draw a QR code: this is not a URI")
	}
	picture, err := key.Image(pixels, pixels)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	return out.Bytes(), nil
}

// Format keeps the secret out of every verb of package fmt.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue keeps the secret out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
