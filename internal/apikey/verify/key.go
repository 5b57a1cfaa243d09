package verify

import (
	"crypto/subtle"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// mac is the HMAC of a secret under a random secret of this process. It stands
// for the secret in memory.
type mac [32]byte

// state is what is known of a key at a time. It is immutable.
type state struct {
	record    *keystore.Record
	principal *tenant.Principal
	limits    *limit.Set
	proofs    [2]proof // that secrets have the record's hash and previous hash
	confirmed time.Time
}

// proof says that the secret with the mac has the hash. The zero proof, of no
// hash, says nothing.
type proof struct {
	hash string
	mac  mac
}

type verdict int

const (
	right verdict = iota
	wrong
	unproven // Argon2 must tell
)

// judge compares a secret with the proofs. With every allowed hash proven,
// another secret is wrong without Argon2.
func (s *state) judge(m *mac, now time.Time) verdict {
	answer := wrong
	for i, hash := range [2]string{s.record.Hash, s.previousHash(now)} {
		if hash == "" {
			continue
		}
		if s.proofs[i].hash != hash {
			answer = unproven
		} else if subtle.ConstantTimeCompare(s.proofs[i].mac[:], m[:]) == 1 {
			return right
		}
	}
	return answer
}

func (s *state) previousHash(now time.Time) string {
	if s.record.PreviousHash != "" && now.Before(s.record.PreviousUntil) {
		return s.record.PreviousHash
	}
	return ""
}

// proven returns the state with one more proof.
func (s *state) proven(hash string, m mac) *state {
	next := *s
	switch hash {
	case s.record.Hash:
		next.proofs[0] = proof{hash: hash, mac: m}
	case s.record.PreviousHash:
		next.proofs[1] = proof{hash: hash, mac: m}
	}
	return &next
}

// inherit takes over the proofs of hashes that the record still has. After a
// rotation the proof of the old hash moves to the second place.
func (s *state) inherit(old *state) {
	for _, p := range old.proofs {
		if p.hash != "" {
			*s = *s.proven(p.hash, p.mac)
		}
	}
}

// key is one key in memory. Its state is replaced, never changed.
type key struct {
	id    apikey.ID
	text  string
	mu    sync.Mutex // held while the state is replaced
	state atomic.Pointer[state]

	invalid   atomic.Bool  // the change feed says that the state is out of date
	refreshAt atomic.Int64 // Unix nanoseconds
	usedAt    atomic.Int64 // Unix seconds, to the minute
	flights   atomic.Int64 // verifications that wait or run
	slot      chan struct{}
}

func newKey(id apikey.ID, s *state) *key {
	k := &key{id: id, text: id.String(), slot: make(chan struct{}, 1)}
	k.state.Store(s)
	return k
}

// use notes the use, once a minute.
func (k *key) use(now time.Time) {
	minute := now.Unix() / 60 * 60
	if k.usedAt.Load() != minute {
		k.usedAt.Store(minute)
	}
}
