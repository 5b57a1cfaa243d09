//go:build knownbad_notoken

package insertion

import "crypto/rand"

// sentToken is wrong on purpose: make chaos must notice. A new token each time is as
// good as none; with none at all, ClickHouse would compare the rows.
func sentToken(string) string { return rand.Text() }
