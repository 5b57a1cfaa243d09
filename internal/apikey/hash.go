package apikey

import (
	"errors"
	"fmt"

	"github.com/alexedwards/argon2id"
)

// The cost of Argon2id is OWASP's minimum: 19 MiB, two passes, one lane. Secrets
// are 256 random bits, so a higher cost would protect nothing more, while each
// verification costs a collector about 30 ms of CPU.
func hashParams() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// A stored hash brings its own cost. One that was put into the database by other
// means must not exhaust a collector.
const (
	maxMemory     = 256 * 1024 // KiB
	maxIterations = 16
	minKeyLength  = 16 // bytes; an empty key would match any secret
)

// Hash returns the Argon2id hash of a secret in PHC string form.
func Hash(secret string) (string, error) {
	hash, err := argon2id.CreateHash(secret, hashParams())
	if err != nil {
		return "", fmt.Errorf("hash API key secret: %w", err)
	}
	return hash, nil
}

// Matches reports whether the secret has the given hash.
func Matches(secret, hash string) (bool, error) {
	params, _, key, err := argon2id.DecodeHash(hash)
	if err != nil {
		return false, fmt.Errorf("decode API key hash: %w", err)
	}
	if params.Memory > maxMemory || params.Iterations < 1 || params.Iterations > maxIterations ||
		params.Parallelism < 1 || len(key) < minKeyLength {
		return false, errors.New("decode API key hash: its cost is outside the accepted range")
	}
	matches, err := argon2id.ComparePasswordAndHash(secret, hash)
	if err != nil {
		return false, fmt.Errorf("verify API key secret: %w", err)
	}
	return matches, nil
}
