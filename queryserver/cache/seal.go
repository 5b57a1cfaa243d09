package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// A sealed value is, in bytes:
//
//	0       the format, 1
//	1–8     when the load began, in microseconds since 1970, big-endian; in the clear, so
//	        that Redis can tell which of two is the later
//	9–24    a random salt
//	25–36   a random nonce
//	37–     AES-256-GCM of the owner (16 bytes) and the encoded value, with its tag
//
// The format, the time, the place (the key in Redis) and the shape of the kind are
// authenticated with it. The AES key is HMAC-SHA256 of the salt under the secret: with one
// key for all, 96 random bits of nonce would suffice for 2^32 values only (NIST SP
// 800-38D, 8.3), which a busy cache writes in months.
const (
	sealFormat   = 1
	sealReadAt   = 1
	sealSalt     = 9
	sealNonce    = 25
	sealBody     = 37
	sealOverhead = sealBody + len(tenant.ID{}) + 16
)

var errSeal = errors.New("the seal does not hold")

// sealer seals values and opens them.
type sealer struct{ secret []byte }

func newSealer(secret Secret) (*sealer, error) {
	derived, err := hkdf.Key(sha256.New, secret, nil, "telemetryflow query server cache 1", secretBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the cache secret: %w", err)
	}
	return &sealer{secret: derived}, nil
}

// envelope is what was sealed.
type envelope struct {
	readAt  time.Time // when its load began
	owner   tenant.ID
	payload []byte
}

func (s *sealer) seal(place string, shape []byte, e envelope) ([]byte, error) {
	sealed := make([]byte, sealBody, sealOverhead+len(e.payload))
	sealed[0] = sealFormat
	binary.BigEndian.PutUint64(sealed[sealReadAt:], uint64(e.readAt.UnixMicro()))
	_, _ = rand.Read(sealed[sealSalt:sealBody]) // never fails
	aead, err := s.cipher(sealed[sealSalt:sealNonce])
	if err != nil {
		return nil, err
	}
	plain := slices.Concat(e.owner[:], e.payload)
	return aead.Seal(sealed, sealed[sealNonce:sealBody], plain, authenticated(sealed, place, shape)), nil
}

func (s *sealer) open(place string, shape, sealed []byte) (envelope, error) {
	if len(sealed) < sealOverhead || sealed[0] != sealFormat {
		return envelope{}, errSeal
	}
	aead, err := s.cipher(sealed[sealSalt:sealNonce])
	if err != nil {
		return envelope{}, err
	}
	plain, err := aead.Open(nil, sealed[sealNonce:sealBody], sealed[sealBody:], authenticated(sealed, place, shape))
	if err != nil {
		return envelope{}, errSeal
	}
	e := envelope{readAt: time.UnixMicro(int64(binary.BigEndian.Uint64(sealed[sealReadAt:])))}
	e.payload = plain[copy(e.owner[:], plain):]
	return e, nil
}

func (s *sealer) cipher(salt []byte) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(salt)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("make the cipher of a cached value: %w", err)
	}
	return cipher.NewGCM(block)
}

// authenticated is the format and the time, the shape, which is of fixed length, and the
// place.
func authenticated(sealed []byte, place string, shape []byte) []byte {
	data := make([]byte, 0, sealSalt+len(shape)+len(place))
	data = append(data, sealed[:sealSalt]...)
	data = append(data, shape...)
	return append(data, place...)
}
