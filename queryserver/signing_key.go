package queryserver

import "time"

// SigningKey is a key of access tokens as it is stored: the private half sealed, so that
// the database alone signs nothing.
type SigningKey struct {
	// ID is the kid of its tokens: the thumbprint of the public key (RFC 7638), 43
	// characters of base64url.
	ID string
	// Sealed is the private key.
	Sealed string
	// UseFrom is when the key begins to sign.
	UseFrom time.Time
	// Previous is the ID of the key before it, "" of the first. It is unique: so of
	// servers that find a change due at the same time only one adds a key.
	Previous string
}
