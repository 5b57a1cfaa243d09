package seal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
)

// Settings are the master keys. There is no default: without a key nothing starts.
type Settings struct {
	// Keys, of which the first seals and all open. Ids are unique, and so are keys.
	Keys []KeySettings `mapstructure:"keys"`
}

// KeySettings are one master key, given by Key or by File.
type KeySettings struct {
	// ID is written into what the key seals: 1 to 32 letters, digits, - and _. It must
	// not be used again for another key.
	ID string `mapstructure:"id"`
	// Key is 32 random bytes in base64, as `openssl rand -base64 32` prints them.
	Key configopaque.String `mapstructure:"key"`
	// File holds the same, with white space around it allowed.
	File string `mapstructure:"file"`
}

const (
	keyBytes = 32 // AES-256
	// minDistinct is how many different bytes a key must have. Of 32 random ones fewer
	// than 12 differ once in 10^20 times; examples and typed keys often repeat few.
	minDistinct = 12
)

var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Validate says what is wrong with the settings, by the key in the file. It also reads
// the files of keys.
func (s Settings) Validate() error {
	_, err := s.read()
	return err
}

// masterKey is a key that has been read.
type masterKey struct {
	id  string
	key [keyBytes]byte
}

func (s Settings) read() ([]masterKey, error) {
	if len(s.Keys) == 0 {
		return nil, errors.New("keys: at least one master key is needed, of 32 random bytes in base64 (openssl rand -base64 32)")
	}
	var keys []masterKey
	for i, settings := range s.Keys {
		key, err := settings.read()
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		for _, other := range keys {
			if other.id == key.id {
				return nil, fmt.Errorf("keys[%d]: id: %q is that of another key", i, key.id)
			}
			if other.key == key.key {
				return nil, fmt.Errorf("keys[%d]: the key is the same as that of %q", i, other.id)
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (s KeySettings) read() (masterKey, error) {
	if !idForm.MatchString(s.ID) {
		return masterKey{}, fmt.Errorf("id: %q is not 1 to 32 letters, digits, - and _", s.ID)
	}
	if (s.Key == "") == (s.File == "") {
		return masterKey{}, errors.New("give either key or file")
	}
	where, text := "key", string(s.Key)
	if s.File != "" {
		content, err := os.ReadFile(s.File)
		if err != nil {
			return masterKey{}, fmt.Errorf("file: %w", err)
		}
		where, text = "file", string(content)
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(decoded) != keyBytes {
		// Neither the text nor the error is repeated: they hold parts of the key.
		return masterKey{}, fmt.Errorf("%s: it is not 32 bytes in base64", where)
	}
	distinct := make(map[byte]struct{}, keyBytes)
	for _, b := range decoded {
		distinct[b] = struct{}{}
	}
	if len(distinct) < minDistinct {
		return masterKey{}, fmt.Errorf("%s: it is not random; make one with openssl rand -base64 32", where)
	}
	return masterKey{id: s.ID, key: [keyBytes]byte(decoded)}, nil
}
