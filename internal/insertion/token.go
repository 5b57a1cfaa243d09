//go:build !knownbad_notoken

package insertion

// sentToken is what ClickHouse is sent for a token.
func sentToken(token string) string { return token }
