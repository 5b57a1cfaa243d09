package jwt

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// Store keeps the signing keys, sealed, for all servers.
type Store interface {
	// Keys gives all keys, in any order.
	Keys(ctx context.Context) ([]queryserver.SigningKey, error)
	// Add stores a key. If one with the same Previous is there, it stores nothing and
	// gives no error: another server was first.
	Add(ctx context.Context, key queryserver.SigningKey) error
	// Delete removes keys. Those that are not there are no error.
	Delete(ctx context.Context, ids []string) error
}

// SealedIn is the row that a private key is sealed for, for those who seal all secrets
// anew under another master key.
func SealedIn(id string) seal.Row {
	return seal.Row{Table: "signing_keys", Column: "private_key", ID: id}
}

// signingKey is a key that has been opened.
type signingKey struct {
	queryserver.SigningKey
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

func makeKey(sealer *seal.Sealer, useFrom time.Time, previous string) (queryserver.SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return queryserver.SigningKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	id := thumbprint(public)
	return queryserver.SigningKey{ID: id, Sealed: sealer.Seal(private.Seed(), SealedIn(id)), UseFrom: useFrom, Previous: previous}, nil
}

// openKey also proves that the row is ours: who can write to the database, but has no
// master key, cannot put in a key of their own to sign tokens with.
func openKey(sealer *seal.Sealer, stored queryserver.SigningKey) (signingKey, error) {
	seed, err := sealer.Open(stored.Sealed, SealedIn(stored.ID))
	if err != nil {
		return signingKey{}, fmt.Errorf("open signing key %s: %w", stored.ID, err)
	}
	if len(seed) != ed25519.SeedSize {
		return signingKey{}, fmt.Errorf("open signing key %s: it has %d bytes", stored.ID, len(seed))
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	if thumbprint(public) != stored.ID {
		return signingKey{}, fmt.Errorf("open signing key %s: it is another key", stored.ID)
	}
	return signingKey{SigningKey: stored, private: private, public: public}, nil
}

// thumbprint is that of RFC 7638, of the members that RFC 8037, 2 requires.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
