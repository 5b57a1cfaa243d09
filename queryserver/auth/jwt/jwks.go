package jwt

import "encoding/base64"

// KeySet is a JSON Web Key Set (RFC 7517, 5) of public keys.
type KeySet struct {
	Keys []PublicKey `json:"keys"`
}

// PublicKey is a JSON Web Key of an Ed25519 key (RFC 8037, 2). It has no member for the
// private part.
type PublicKey struct {
	Type      string `json:"kty"` // OKP
	Curve     string `json:"crv"` // Ed25519
	X         string `json:"x"`   // 32 bytes in base64url
	ID        string `json:"kid"`
	Use       string `json:"use"` // sig
	Algorithm string `json:"alg"` // EdDSA
}

// KeySet is what verifies tokens now and next. It may be cached for less than
// Schedule.PublishBefore.
func (r *Ring) KeySet() KeySet {
	keys, plan := r.plan(r.settings.now())
	set := KeySet{Keys: make([]PublicKey, 0, len(plan.Keys))}
	for _, key := range plan.Keys {
		set.Keys = append(set.Keys, PublicKey{
			Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(keys[key.ID].public),
			ID: key.ID, Use: "sig", Algorithm: algorithm,
		})
	}
	return set
}
