package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// version opens every sealed text, so that another cipher can follow one day.
const version = "tfsealed1"

// errForm does not repeat the text.
var errForm = errors.New("the text is not a sealed one")

// Row is where a sealed text is kept.
type Row struct{ Table, Column, ID string }

// Sealer seals and opens. It is safe for concurrent use.
type Sealer struct {
	current string
	keys    map[string]cipher.AEAD
}

// New reads the master keys. The error is that of Validate.
func New(settings Settings) (*Sealer, error) {
	keys, err := settings.read()
	if err != nil {
		return nil, err
	}
	s := &Sealer{current: keys[0].id, keys: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		block, err := aes.NewCipher(key.key[:])
		if err != nil {
			return nil, fmt.Errorf("make the cipher of master key %q: %w", key.id, err)
		}
		// Each sealing takes a random nonce of 96 bits. NIST SP 800-38D, 8.3 allows
		// 2^32 of them under a key: far more than there are secrets.
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("make the cipher of master key %q: %w", key.id, err)
		}
		s.keys[key.id] = aead
	}
	return s, nil
}

// Seal encrypts a secret for its row, under the first key. The answer is printable:
// tfsealed1:<key id>:<base64url of nonce, ciphertext and tag>.
func (s *Sealer) Seal(secret []byte, row Row) string {
	sealed := s.keys[s.current].Seal(nil, nil, secret, bound(s.current, row)) //nolint:gosec // G407: this cipher takes no nonce, it makes a random one each time
	return version + ":" + s.current + ":" + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open decrypts what Seal made for the same row. An error names the key of the text,
// if that one is missing, and no secret.
func (s *Sealer) Open(text string, row Row) ([]byte, error) {
	id, sealed, err := split(text)
	if err != nil {
		return nil, err
	}
	aead, known := s.keys[id]
	if !known {
		return nil, fmt.Errorf("open a secret of %s.%s: master key %q is not among the settings", row.Table, row.Column, id)
	}
	secret, err := aead.Open(nil, nil, sealed, bound(id, row))
	if err != nil {
		return nil, fmt.Errorf("open a secret of %s.%s with master key %q: it was changed, moved from another row, or sealed by another key", row.Table, row.Column, id)
	}
	return secret, nil
}

// NeedsReseal says whether the text was sealed by another than the first key.
func (s *Sealer) NeedsReseal(text string) bool {
	id, _, err := split(text)
	return err == nil && id != s.current
}

func split(text string) (id string, sealed []byte, err error) {
	found, rest, _ := strings.Cut(text, ":")
	id, encoded, _ := strings.Cut(rest, ":")
	if found != version || !idForm.MatchString(id) {
		return "", nil, errForm
	}
	// The decoder skips line ends, which would give a text many spellings.
	sealed, err = base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "", nil, errForm
	}
	return id, sealed, nil
}

// bound is the additional data: what the text is bound to, each part with its length
// before it, so that no two rows have the same.
func bound(id string, row Row) []byte {
	var data []byte
	for _, part := range []string{version, id, row.Table, row.Column, row.ID} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(part)))
		data = append(data, part...)
	}
	return data
}
