package jwt

import (
	"crypto/sha256"
	"sync"
)

// verified remembers tokens whose signature was right, by their SHA-256. It has two
// generations: when the young one is half of the limit, the old one is forgotten and the
// young one grows old. What is asked for moves to the young one.
type verified struct {
	half int

	mu         sync.Mutex
	young, old map[[sha256.Size]byte]verifiedToken
}

type verifiedToken struct {
	claims Claims
	key    string // kid
}

func newVerified(limit int) *verified {
	return &verified{half: limit / 2, young: make(map[[sha256.Size]byte]verifiedToken)}
}

func (v *verified) get(sum [sha256.Size]byte) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if token, found := v.young[sum]; found {
		return token, true
	}
	token, found := v.old[sum]
	if found {
		v.add(sum, token)
	}
	return token, found
}

func (v *verified) put(sum [sha256.Size]byte, token verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(sum, token)
}

func (v *verified) add(sum [sha256.Size]byte, token verifiedToken) {
	if v.half == 0 {
		return
	}
	if len(v.young) >= v.half {
		v.young, v.old = make(map[[sha256.Size]byte]verifiedToken), v.young
	}
	v.young[sum] = token
}
