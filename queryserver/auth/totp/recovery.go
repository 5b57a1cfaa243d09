package totp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	recoveryCodes = 10
	recoveryBytes = 15 // 120 bits: 24 characters of base32, in four groups
	recoveryText  = 24
	recoveryGroup = 6
	// maxRecoveryInput bounds what is looked at: the characters, and something between
	// any two of them.
	maxRecoveryInput = 2 * recoveryText
)

// alphabet is Douglas Crockford's base32: without I, L, O and U, which are misread.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// errRecovery does not repeat the text, which may be a code with a typing error.
var errRecovery = errors.New("the text does not have the form of a recovery code")

// RecoveryCode lets a user in once who has lost the authenticator app. It prints and
// logs as [recovery code]; Reveal gives its written form.
//
// It has 120 random bits, so that a plain SHA-256 may be stored (ASVS 6.5.2 asks for
// the password hash only below 112 bits). Ten codes of 80 bits under Argon2id would
// cost ten hashes for each wrong try; of these, one indexed look-up finds the row and
// one UPDATE … WHERE used_at IS NULL uses it up (ASVS 6.5.1).
type RecoveryCode struct{ random [recoveryBytes]byte }

// NewRecoveryCodes makes ten codes from crypto/rand (ASVS 6.5.3).
func NewRecoveryCodes() []RecoveryCode {
	codes := make([]RecoveryCode, recoveryCodes)
	for i := range codes {
		_, _ = rand.Read(codes[i].random[:]) // crypto/rand.Read never fails (Go 1.24)
	}
	return codes
}

// ParseRecoveryCode reads what a user types: capitals or not, with or without hyphens
// and spaces, O for 0, I or L for 1.
func ParseRecoveryCode(text string) (RecoveryCode, error) {
	if len(text) > maxRecoveryInput {
		return RecoveryCode{}, errRecovery
	}
	typed := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if len(typed) != recoveryText || strings.ContainsAny(typed, "\r\n") {
		return RecoveryCode{}, errRecovery
	}
	decoded, err := encoding().DecodeString(typed)
	if err != nil || len(decoded) != recoveryBytes {
		return RecoveryCode{}, errRecovery
	}
	return RecoveryCode{random: [recoveryBytes]byte(decoded)}, nil
}

// Reveal is the written form, such as 7K3M9Q-XT2WZP-H4VN8R-B6CDJE.
func (c RecoveryCode) Reveal() string {
	text := encoding().EncodeToString(c.random[:])
	var groups []string
	for at := 0; at < len(text); at += recoveryGroup {
		groups = append(groups, text[at:at+recoveryGroup])
	}
	return strings.Join(groups, "-")
}

// Hash is what is stored, and what is looked for among the codes of the user.
func (c RecoveryCode) Hash() [sha256.Size]byte { return sha256.Sum256(c.random[:]) }

// Format keeps the code out of every verb of package fmt.
func (c RecoveryCode) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "[recovery code]")
}

// LogValue keeps the code out of logs.
func (c RecoveryCode) LogValue() slog.Value { return slog.StringValue("[recovery code]") }

func encoding() *base32.Encoding {
	return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
}
