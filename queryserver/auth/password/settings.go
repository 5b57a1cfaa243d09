package password

import (
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
)

// The algorithms that new hashes can have.
const (
	Argon2id = "argon2id"
	Bcrypt   = "bcrypt"
)

// Settings are the cost of a hash, the line of those who wait for one, and the policy.
type Settings struct {
	// Algorithm of new hashes: argon2id, or bcrypt (10 rounds), which takes passwords
	// of up to 72 bytes only. Both verify always.
	Algorithm string         `mapstructure:"algorithm"`
	Argon2id  Argon2Settings `mapstructure:"argon2id"`
	// Concurrency is how many hashes run at once; 0: as many as there are processors.
	// Each takes Argon2id.Memory, and one processor for each lane.
	Concurrency int `mapstructure:"concurrency"`
	// QueueLength is how many calls may wait for a hash. More are refused at once. It is
	// less than the requests that the HTTP API takes at a time, of which some are left.
	QueueLength int `mapstructure:"queue_length"`
	// QueueTimeout is how long a call waits at most for its hash to begin. Each waits for
	// half of it and a random part of the rest.
	QueueTimeout time.Duration `mapstructure:"queue_timeout"`
	// GuessRest is how many times as long as its hash a wrong password keeps its place in
	// the line, once guesses come in. A hash holds a processor for tens of milliseconds, and
	// a request that wakes up on the same one waits for it: measured on two processors, one
	// request in twenty while one always hashes. At a sixteenth of the time it is fewer than
	// one in a hundred. Browsers that are known do not wait in that line.
	GuessRest int `mapstructure:"guess_rest"`
	// RefusalTime is how long AwaitRefusal makes a refused login take. It must be more
	// than the slowest hash takes, imported ones included: else the time tells that
	// such a user exists.
	RefusalTime time.Duration `mapstructure:"refusal_time"`
	// MinLength and MinLengthWithoutMFA are the characters of a password of users with
	// and without a second factor.
	MinLength           int `mapstructure:"min_length"`
	MinLengthWithoutMFA int `mapstructure:"min_length_without_mfa"`
}

// Argon2Settings are the cost of Argon2id. None may be below its default.
type Argon2Settings struct {
	Memory      uint32 `mapstructure:"memory_kib"`
	Iterations  uint32 `mapstructure:"iterations"`
	Parallelism uint8  `mapstructure:"parallelism"`
}

const (
	// The floor is OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
	floorMemory      = 19 * 1024 // KiB
	floorIterations  = 2
	floorParallelism = 1
	// The ceiling is for settings and for stored hashes, which bring their own cost: one
	// put into the database by other means must not stop a server.
	maxMemory      = 256 * 1024 // KiB
	maxIterations  = 16
	maxParallelism = 16

	saltBytes, keyBytes = 16, 32

	bcryptCost    = 10 // 2^10 rounds, which is OWASP's minimum
	maxBcryptCost = 14 // of imported hashes: about a second
	// bcryptBytes is how much of a password bcrypt takes in. Comparing ignores the rest.
	bcryptBytes = 72

	// floorLength is ASVS 6.2.1; 15 without a second factor is NIST SP 800-63B-4, 3.1.1.
	floorLength = 8
	// maxLength must let 64 characters through (ASVS 6.2.9); the rest bounds the work.
	maxLength = 128
	maxBytes  = 4 * maxLength // of UTF-8
)

// DefaultSettings are OWASP's minimum of Argon2id, a line of three quarters of the
// requests that are taken at a time, and the lengths of NIST SP 800-63B-4.
func DefaultSettings() Settings {
	return Settings{
		Algorithm:           Argon2id,
		Argon2id:            Argon2Settings{Memory: floorMemory, Iterations: floorIterations, Parallelism: floorParallelism},
		QueueLength:         192,
		QueueTimeout:        5 * time.Second,
		GuessRest:           15,
		RefusalTime:         300 * time.Millisecond,
		MinLength:           floorLength,
		MinLengthWithoutMFA: 15,
	}
}

// Validate says what is wrong with the settings, by the key in the file.
func (s Settings) Validate() error {
	if s.Algorithm != Argon2id && s.Algorithm != Bcrypt {
		return fmt.Errorf("algorithm: %q is neither argon2id nor bcrypt", s.Algorithm)
	}
	for _, limit := range []struct {
		key             string
		value, from, to int64
	}{
		{"argon2id.memory_kib", int64(s.Argon2id.Memory), floorMemory, maxMemory},
		{"argon2id.iterations", int64(s.Argon2id.Iterations), floorIterations, maxIterations},
		{"argon2id.parallelism", int64(s.Argon2id.Parallelism), floorParallelism, maxParallelism},
		{"concurrency", int64(s.Concurrency), 0, 1024},
		{"queue_length", int64(s.QueueLength), 1, 1 << 20},
		{"queue_timeout (in ms)", s.QueueTimeout.Milliseconds(), 1, time.Minute.Milliseconds()},
		{"guess_rest", int64(s.GuessRest), 0, 1000},
		{"refusal_time (in ms)", s.RefusalTime.Milliseconds(), 0, (10 * time.Second).Milliseconds()},
		{"min_length", int64(s.MinLength), floorLength, 64},
		{"min_length_without_mfa", int64(s.MinLengthWithoutMFA), int64(s.MinLength), 64},
	} {
		if limit.value < limit.from || limit.value > limit.to {
			return fmt.Errorf("%s: %d is not from %d to %d", limit.key, limit.value, limit.from, limit.to)
		}
	}
	return nil
}

func (s Settings) params() *argon2id.Params {
	return &argon2id.Params{
		Memory: s.Argon2id.Memory, Iterations: s.Argon2id.Iterations, Parallelism: s.Argon2id.Parallelism,
		SaltLength: saltBytes, KeyLength: keyBytes,
	}
}

func (s Settings) width() int {
	if s.Concurrency > 0 {
		return s.Concurrency
	}
	return runtime.GOMAXPROCS(0)
}
