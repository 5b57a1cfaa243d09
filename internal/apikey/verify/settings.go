package verify

import (
	"sync/atomic"
	"time"
)

// Settings bound the engine. None may be zero.
type Settings struct {
	L1TTL            time.Duration // after it a key is read again, behind its next call
	NegativeTTL      time.Duration // how long an unknown id or a wrong secret is remembered
	MaxStale         time.Duration // how long keys are believed without the store
	MaxKeys          int           // keys held
	MaxNegative      int           // unknown ids, and wrong secrets, remembered
	MaxLookups       int           // look-ups under way; more are answered Unavailable
	MaxVerifications int           // Argon2 runs at once, 19 MiB each
	VerifyTimeout    time.Duration // how long a call waits for its verification
	RefusalTime      time.Duration // how long a refusal takes at least: more than Argon2
}

const (
	// maxFlightsPerKey bounds the different secrets that wait for one key's turn.
	// They are about as many as get it within VerifyTimeout: in a shorter line, who
	// only knows a key's id would leave no place for its owner.
	maxFlightsPerKey = 128
	// maxFlights bounds the verifications that wait for all keys.
	maxFlights = 4096
	// maxHeld bounds the refusals that wait for their time to pass.
	maxHeld = 1024
	// feedFresh is how old the last reading of the change feed may be for Redis
	// to be believed before PostgreSQL.
	feedFresh = 10 * time.Second
	// retryRefresh is the pause after a refresh that failed.
	retryRefresh = 5 * time.Second
	// housekeeping is how often uses are stored and memory is tidied.
	housekeeping = time.Minute
	// maxIdle is how long an unused key is held: over the gaps of daily jobs.
	maxIdle = 25 * time.Hour
)

// Stats count what the engine did. Read them at any time.
type Stats struct {
	L1Hits, RedisHits, PostgresReads, NegativeHits atomic.Int64
	StoreErrors                                    atomic.Int64
	Argon2Right, Argon2Wrong                       atomic.Int64
	Argon2Running, Argon2Peak                      atomic.Int64
}
