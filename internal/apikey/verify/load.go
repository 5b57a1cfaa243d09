package verify

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// lookup is a reading under way, which every caller for the id awaits.
type lookup struct {
	done chan struct{}
	key  *key
	err  error
}

// load reads a key from the store.
func (e *Engine) load(ctx context.Context, id apikey.ID, now time.Time) (*key, error) {
	if e.unknown.has(id, now) {
		e.Stats.NegativeHits.Add(1)
		return nil, apikey.ErrUnauthenticated
	}
	l, k := e.joinLookup(id, now)
	if k != nil {
		return k, nil
	}
	if l == nil {
		return nil, apikey.ErrUnavailable
	}
	select {
	case <-l.done:
		return l.key, l.err
	case <-ctx.Done():
		return nil, apikey.ErrUnavailable
	}
}

// refresh reads a key again while its calls go on.
func (e *Engine) refresh(k *key, now time.Time) {
	next := now.Add(retryRefresh).UnixNano()
	if at := k.refreshAt.Load(); now.UnixNano() > at && k.refreshAt.CompareAndSwap(at, next) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.startLookup(k.id)
	}
}

// joinLookup joins or starts the lookup of an id, unless one has brought the key
// since the caller missed it.
func (e *Engine) joinLookup(id apikey.ID, now time.Time) (*lookup, *key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.current(id, now); k != nil {
		return nil, k
	}
	return e.startLookup(id), nil
}

// startLookup joins or starts the lookup of an id. It is nil when too many are
// under way. The caller holds mu.
func (e *Engine) startLookup(id apikey.ID) *lookup {
	if l := e.lookups[id]; l != nil {
		return l
	}
	if len(e.lookups) >= e.settings.MaxLookups || e.lifetime.Err() != nil {
		return nil
	}
	l := &lookup{done: make(chan struct{})}
	e.lookups[id] = l
	e.running.Go(func() {
		record := e.look(l, id)
		e.mu.Lock()
		delete(e.lookups, id)
		e.mu.Unlock()
		close(l.done)
		if record != nil && e.redis != nil {
			if err := e.redis.Put(e.lifetime, id, record); err != nil {
				e.storeFailed("write", err)
			}
		}
	})
	return l
}

// look fills the lookup and returns the record if it should go to Redis.
func (e *Engine) look(l *lookup, id apikey.ID) *keystore.Record {
	for range 3 { // a change while reading makes the reading void
		number := e.changes.number()
		record, fresh, err := e.fetch(id)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			e.storeFailed("read", err)
			l.err = apikey.ErrUnavailable
			return nil
		}
		if e.install(l, id, record, number) {
			if fresh {
				return record
			}
			return nil
		}
	}
	l.err = apikey.ErrUnavailable
	return nil
}

// fetch reads from Redis, if what it says can be believed, else from PostgreSQL.
func (e *Engine) fetch(id apikey.ID) (record *keystore.Record, fresh bool, err error) {
	informed := time.Since(e.CaughtUp()) < feedFresh
	if informed {
		if record := e.fetchRedis(id); record != nil {
			return record, false, nil
		}
	}
	record, err = e.store.Find(e.lifetime, id)
	if err == nil || errors.Is(err, keystore.ErrNotFound) {
		e.Stats.PostgresReads.Add(1)
		return record, true, err
	}
	if !informed {
		if record := e.fetchRedis(id); record != nil {
			return record, false, nil
		}
	}
	return nil, false, err
}

func (e *Engine) fetchRedis(id apikey.ID) *keystore.Record {
	if e.redis == nil || e.changes.recent(id, tenant.ID{}) {
		return nil
	}
	record, err := e.redis.Find(e.lifetime, id)
	if err != nil {
		if !errors.Is(err, keystore.ErrMiss) {
			e.storeFailed("read", err)
		}
		return nil
	}
	if e.changes.recent(id, record.Organization) {
		return nil
	}
	e.Stats.RedisHits.Add(1)
	return record
}

// install keeps a reading unless a change has come since it began.
func (e *Engine) install(l *lookup, id apikey.ID, record *keystore.Record, number uint64) bool {
	e.changes.mu.RLock()
	defer e.changes.mu.RUnlock()
	now := time.Now()
	if record == nil {
		if e.changes.after(number, id, tenant.ID{}) {
			return false
		}
		e.keys.remove(id)
		e.unknown.add(id, now)
		l.err = apikey.ErrUnauthenticated
		return true
	}
	if e.changes.after(number, id, record.Organization) {
		return false
	}
	next := &state{record: record, principal: record.Principal(id.String()), confirmed: record.ReadAt}
	refreshAt := now.Add(e.settings.L1TTL).UnixNano() // stored before callers see the state, who would read anew
	k := e.keys.get(id)
	if k == nil {
		next.limits = limit.NewSet(e.lessor, id.String(), record.Limits)
		k = newKey(id, next)
		k.refreshAt.Store(refreshAt)
		e.keys.put(k, e.settings.MaxKeys)
	} else {
		k.refreshAt.Store(refreshAt)
		k.replace(next, e.lessor)
	}
	l.key = k
	return true
}

// replace puts a later reading in place of the state, whose proofs and, when
// they have not changed, limits go on. After a change any reading is later than
// the state, for install has seen that it began after the change.
func (k *key) replace(next *state, lessor *limit.Lessor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.state.Load()
	older := next.record.Position < old.record.Position ||
		next.record.Position == old.record.Position && !next.confirmed.After(old.confirmed)
	if older && !k.invalid.Load() {
		return
	}
	next.inherit(old)
	if next.limits = old.limits; old.limits.Limits() != next.record.Limits {
		next.limits = limit.NewSet(lessor, k.text, next.record.Limits)
	}
	k.state.Store(next)
	k.invalid.Store(false)
}

// unseal gives Redis the cache secret.
func (e *Engine) unseal() {
	secret, err := e.store.CacheSecret(e.lifetime)
	if err == nil {
		err = e.redis.UseSecret(secret)
	}
	if err != nil {
		e.storeFailed("unseal", err)
		return
	}
	e.sealed.Store(true)
}

func (e *Engine) storeFailed(step string, err error) {
	if e.lifetime.Err() != nil {
		return
	}
	e.Stats.StoreErrors.Add(1)
	e.logger.Debug("The store of API keys has failed.", zap.String("step", step), zap.Error(err))
}

// keepHouse stores uses and tidies until the engine ends.
func (e *Engine) keepHouse() {
	ticker := time.NewTicker(housekeeping)
	defer ticker.Stop()
	for {
		select {
		case <-e.lifetime.Done():
			return
		case now := <-ticker.C:
			e.recordUses(e.lifetime)
			e.tidy(now)
		}
	}
}

func (e *Engine) tidy(now time.Time) {
	e.unknown.tidy(now)
	e.wrong.tidy(now)
	if e.redis != nil {
		e.changes.tidy(now.Add(-e.redis.Lifetime()))
	} else {
		e.changes.tidy(now.Add(-e.settings.VerifyTimeout - housekeeping))
	}
	idle := now.Add(-maxIdle)
	e.keys.each(func(k *key) bool {
		return k.usedAt.Load() > idle.Unix() || k.state.Load().confirmed.After(idle)
	})
}
