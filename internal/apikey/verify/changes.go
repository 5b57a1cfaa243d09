package verify

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// changes remembers what the feed told, so that a reading that began before a
// change is not kept after it, and that Redis is not believed about what changed.
type changes struct {
	mu            sync.RWMutex // held for writing while a change is applied
	last          uint64
	everything    uint64 // the number of the last reset
	keys          map[apikey.ID]mark
	organizations map[tenant.ID]mark
}

type mark struct {
	number uint64
	at     time.Time
}

func newChanges() *changes {
	return &changes{keys: make(map[apikey.ID]mark), organizations: make(map[tenant.ID]mark)}
}

func (c *changes) number() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.last
}

// next numbers a change; c.mu is held for writing.
func (c *changes) next() mark {
	c.last++
	return mark{number: c.last, at: time.Now()}
}

// after reports whether the key or its organization changed after a number;
// c.mu is held.
func (c *changes) after(number uint64, id apikey.ID, organization tenant.ID) bool {
	return c.everything > number || c.keys[id].number > number || c.organizations[organization].number > number
}

// recent reports whether the key, or the organization, changed of late.
func (c *changes) recent(id apikey.ID, organization tenant.ID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys[id].number > 0 || c.organizations[organization].number > 0
}

func (c *changes) tidy(before time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, m := range c.keys {
		if m.at.Before(before) {
			delete(c.keys, id)
		}
	}
	for id, m := range c.organizations {
		if m.at.Before(before) {
			delete(c.organizations, id)
		}
	}
}

// Reset is the feed's: what was read of any key may be out of date.
func (e *Engine) Reset() {
	e.changes.mu.Lock()
	defer e.changes.mu.Unlock()
	e.changes.everything = e.changes.next().number
	e.unknown.clear()
	e.keys.each(func(k *key) bool {
		k.invalid.Store(true)
		return true
	})
}

// Change is the feed's: a key, or what keys are bound to, has changed.
func (e *Engine) Change(change postgres.Change) {
	switch change.Kind {
	case "api_key":
		if id, err := apikey.ParseID(change.Subject); err == nil {
			e.keyChanged(id)
		}
	case "organization", "workspace", "tenant":
		if change.Organization != nil {
			e.organizationChanged(*change.Organization)
		}
	}
}

func (e *Engine) keyChanged(id apikey.ID) {
	e.changes.mu.Lock()
	defer e.changes.mu.Unlock()
	e.changes.keys[id] = e.changes.next()
	e.unknown.forget(id)
	if k := e.keys.get(id); k != nil {
		k.invalid.Store(true)
	}
}

func (e *Engine) organizationChanged(organization tenant.ID) {
	e.changes.mu.Lock()
	defer e.changes.mu.Unlock()
	e.changes.organizations[organization] = e.changes.next()
	e.keys.each(func(k *key) bool {
		if k.state.Load().record.Organization == organization {
			k.invalid.Store(true)
		}
		return true
	})
}

// Caught is the feed's: every change up to a time has been told.
func (e *Engine) Caught(asOf time.Time) {
	if e.redis != nil && !e.sealed.Load() {
		e.unseal()
	}
	e.caught.Store(asOf.UnixNano())
}

// Lost is the feed's: it cannot be read.
func (e *Engine) Lost(err error) {
	e.sealed.Store(false) // read the cache secret again: it may be another
	e.logger.Warn("The change feed of API keys cannot be read; known keys stay valid for max_stale.", zap.Error(err))
}

// CaughtUp is up to when every change is known; zero before the first reading.
func (e *Engine) CaughtUp() time.Time {
	caught := e.caught.Load()
	if caught == 0 {
		return time.Time{}
	}
	return time.Unix(0, caught)
}
