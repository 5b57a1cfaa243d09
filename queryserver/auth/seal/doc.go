// Package seal encrypts secrets at rest: TOTP seeds, client secrets of identity
// providers, private keys of access tokens. It is AES-256-GCM under master keys that
// never enter the database (OWASP ASVS 5.0, 11.3.2 and 13.3.1). A sealed text names its
// key, and is bound to its row: moved to another, it does not open.
//
//	sealer, err := seal.New(settings)
//	text := sealer.Seal(seed, seal.Row{Table: "users", Column: "totp_seed", ID: user})
//	seed, err := sealer.Open(text, row)
//
// To change the master key, put a new one first, seal anew what NeedsReseal, then take
// the old one away.
package seal
