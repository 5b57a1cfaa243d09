package verify

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

var _ postgres.FeedHandler = (*Engine)(nil)

// Engine judges credentials. It is a [postgres.FeedHandler].
type Engine struct {
	settings Settings
	logger   *zap.Logger
	store    *keystore.Postgres
	redis    *keystore.Redis // nil: none
	lessor   *limit.Lessor

	hashers sync.Pool // of *hasher
	keys    *table
	changes *changes
	unknown *memory[apikey.ID]
	wrong   *memory[attempt]
	caught  atomic.Int64 // Unix nanoseconds
	sealed  atomic.Bool  // Redis has the cache secret
	held    atomic.Int64 // refusals that wait

	mu       sync.Mutex // guards both
	lookups  map[apikey.ID]*lookup
	flights  map[flightID]*flight
	argon2   chan struct{}
	lifetime context.Context //nolint:containedctx // of the engine's goroutines, until Close
	stop     context.CancelFunc
	running  sync.WaitGroup

	Stats Stats
}

// New returns an engine. Start it before the feed.
func New(settings Settings, store *keystore.Postgres, redis *keystore.Redis, lessor *limit.Lessor, logger *zap.Logger) *Engine {
	var boot [32]byte
	_, _ = rand.Read(boot[:]) // crypto/rand.Read never fails (Go 1.24)
	e := &Engine{
		settings: settings, logger: logger, store: store, redis: redis, lessor: lessor,
		keys: newTable(), changes: newChanges(),
		unknown: newMemory[apikey.ID](settings.MaxNegative, settings.NegativeTTL),
		wrong:   newMemory[attempt](settings.MaxNegative, settings.NegativeTTL),
		lookups: make(map[apikey.ID]*lookup), flights: make(map[flightID]*flight),
		argon2: make(chan struct{}, settings.MaxVerifications),
	}
	e.hashers.New = func() any { return &hasher{hash: hmac.New(sha256.New, boot[:])} }
	e.lifetime, e.stop = context.WithCancel(context.Background())
	return e
}

// Start begins the housekeeping.
func (e *Engine) Start() { e.running.Go(e.keepHouse) }

// Close ends everything under way and stores the last uses.
func (e *Engine) Close(ctx context.Context) {
	e.mu.Lock() // under which goroutines start
	e.stop()
	e.mu.Unlock()
	e.running.Wait()
	e.recordUses(ctx)
}

// KeyCount is the number of keys held.
func (e *Engine) KeyCount() int { return e.keys.size() }

// Verified is a credential that holds.
type Verified struct {
	Principal *tenant.Principal
	Limits    *limit.Set
}

// Verify judges a credential. Its errors are apikey.ErrUnauthenticated and
// apikey.ErrUnavailable.
func (e *Engine) Verify(ctx context.Context, credential apikey.Credential, now time.Time) (Verified, error) {
	verified, err := e.decide(ctx, credential, now)
	if errors.Is(err, apikey.ErrUnauthenticated) {
		e.hold(ctx, now)
	}
	return verified, err
}

// hold makes refusals take the same time, so that it does not tell an unknown id
// from a wrong secret. A run of Argon2 for nothing would do so too, but give its
// processor to whoever makes up ids. Past maxHeld there is a flood, among which
// the time of an answer tells little.
func (e *Engine) hold(ctx context.Context, began time.Time) {
	if e.held.Add(1) <= maxHeld {
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(e.lifetime, cancel)() //nolint:contextcheck // the engine stops the call, which has its own context
		pause(waiting, min(e.settings.RefusalTime, time.Until(began.Add(e.settings.RefusalTime))))
	}
	e.held.Add(-1)
}

func (e *Engine) decide(ctx context.Context, credential apikey.Credential, now time.Time) (Verified, error) {
	m := e.mac(credential.Secret)
	k := e.current(credential.ID, now)
	if k != nil {
		e.Stats.L1Hits.Add(1)
		if now.UnixNano() > k.refreshAt.Load() {
			e.refresh(k, now)
		}
	} else {
		var err error
		if k, err = e.load(ctx, credential.ID, now); err != nil {
			return Verified{}, err
		}
	}
	s := k.state.Load()
	if !s.record.Live(now) {
		return Verified{}, apikey.ErrUnauthenticated
	}
	switch s.judge(&m, now) {
	case right:
	case wrong:
		return Verified{}, apikey.ErrUnauthenticated
	case unproven:
		var err error
		if s, err = e.prove(ctx, k, m, credential.Secret, now); err != nil {
			return Verified{}, err
		}
	}
	k.use(now)
	return Verified{Principal: s.principal, Limits: s.limits}, nil
}

// current is the key, if what is held of it can be believed.
func (e *Engine) current(id apikey.ID, now time.Time) *key {
	if k := e.keys.get(id); k != nil && !k.invalid.Load() && !e.stale(k, now) {
		return k
	}
	return nil
}

// stale reports whether neither the store nor the feed has confirmed the state
// for too long.
func (e *Engine) stale(k *key, now time.Time) bool {
	oldest := now.Add(-e.settings.MaxStale)
	return e.caught.Load() < oldest.UnixNano() && k.state.Load().confirmed.Before(oldest)
}

type hasher struct {
	hash hash.Hash
	in   []byte
	out  mac
}

func (e *Engine) mac(secret string) mac {
	h := e.hashers.Get().(*hasher)
	defer e.hashers.Put(h)
	h.hash.Reset()
	h.in = append(h.in[:0], secret...)
	h.hash.Write(h.in)
	clear(h.in)
	h.hash.Sum(h.out[:0])
	return h.out
}
