package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// stored is a hash from the database, read and found acceptable.
type stored struct {
	text   string
	argon2 *argon2id.Params // nil: bcrypt
	cost   int              // of bcrypt
}

// Errors do not repeat the hash.
var (
	errHash = errors.New("the stored hash is neither Argon2id in PHC form nor bcrypt ($2a$, $2b$, $2y$)")
	errCost = errors.New("the cost of the stored hash is outside the accepted range")

	// $2x$ is of a defective program, $2$ of before NUL ended a password.
	bcryptForm = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)
)

// maxHash bounds what is read: the longest accepted key and salt, with room.
const maxHash = 512

func read(hash string) (stored, error) {
	if len(hash) > maxHash {
		return stored{}, errHash
	}
	if form := bcryptForm.FindStringSubmatch(hash); form != nil {
		cost, err := strconv.Atoi(form[1])
		if err != nil || cost < bcrypt.MinCost || cost > maxBcryptCost {
			return stored{}, errCost
		}
		return stored{text: hash, cost: cost}, nil
	}
	params, salt, key, err := argon2id.DecodeHash(hash)
	if err != nil || hash != phc(params, salt, key) {
		return stored{}, errHash
	}
	if params.Memory < 8*uint32(params.Parallelism) || params.Memory > maxMemory ||
		params.Iterations < 1 || params.Iterations > maxIterations ||
		params.Parallelism < 1 || params.Parallelism > maxParallelism ||
		len(salt) < 8 || len(key) < 16 { // an empty key would match any password
		return stored{}, errCost
	}
	return stored{text: hash, argon2: params}, nil
}

// phc writes a hash as package argon2id does. That one's reader ignores what follows a
// number; comparing gives each hash one spelling.
func phc(params *argon2id.Params, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, params.Memory, params.Iterations,
		params.Parallelism, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// takes says whether the password can be judged by its exact bytes. What bcrypt reads
// is the password, a NUL, and both again and again, for 72 bytes: it ignores what is
// longer, and "a" is the same as "a\x00a".
func (s stored) takes(password string) bool {
	if password == "" || len(password) > maxBytes {
		return false
	}
	return s.argon2 != nil || bcryptTakes(password)
}

func bcryptTakes(password string) bool {
	return len(password) <= bcryptBytes && !strings.Contains(password, "\x00")
}

// matches computes the hash and compares in constant time.
func (s stored) matches(password string) (bool, error) {
	if s.argon2 != nil {
		matches, err := argon2id.ComparePasswordAndHash(password, s.text)
		if err != nil {
			return false, fmt.Errorf("verify a password by Argon2id: %w", err)
		}
		return matches, nil
	}
	err := bcrypt.CompareHashAndPassword([]byte(s.text), []byte(password))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("verify a password by bcrypt: %w", err)
	}
	return err == nil, nil
}

// current says whether a new hash would be of the same kind. A higher cost of bcrypt
// than ours is kept: hashing anew would weaken it.
func (s stored) current(settings Settings) bool {
	if s.argon2 == nil {
		return settings.Algorithm == Bcrypt && s.cost >= bcryptCost
	}
	return settings.Algorithm == Argon2id && *s.argon2 == *settings.params()
}
