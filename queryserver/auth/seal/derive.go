package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Derive gives 32 bytes for another purpose than sealing, the same on all servers of the
// same first key (HKDF, RFC 5869). Another first key gives others: use it only for what may
// be lost, such as the key of cursors.
func (s Settings) Derive(purpose string) ([]byte, error) {
	keys, err := s.read()
	if err != nil {
		return nil, err
	}
	derived, err := hkdf.Key(sha256.New, keys[0].key[:], nil, "telemetryflow "+purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return derived, nil
}
