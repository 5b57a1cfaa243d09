package verify

import (
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// changes remembers what the feed told, so that a reading that began before a
// change is not kept after it, and that Redis is not believed about what changed.
type changes struct {
	mu            sync.RWMutex // held for writing while a change is applied
	last          uint64
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

// after reports whether the key or its organization changed after a number;
// c.mu is held.
func (c *changes) after(number uint64, id apikey.ID, organization tenant.ID) bool {
	return c.keys[id].number > number || c.organizations[organization].number > number
}

// recent reports whether the key, or the organization, changed of late.
func (c *changes) recent(id apikey.ID, organization tenant.ID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.after(0, id, organization)
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

// KeyChanged is the feed's: what was read of the key is out of date.
func (e *Engine) KeyChanged(id apikey.ID) {
	e.changes.mu.Lock()
	defer e.changes.mu.Unlock()
	e.changes.last++
	e.changes.keys[id] = mark{number: e.changes.last, at: time.Now()}
	e.unknown.forget(id)
	if k := e.keys.get(id); k != nil {
		k.invalid.Store(true)
	}
}

// OrganizationChanged is the feed's: one of its tenants or workspaces, or the
// organization itself, came or went.
func (e *Engine) OrganizationChanged(organization tenant.ID) {
	e.changes.mu.Lock()
	defer e.changes.mu.Unlock()
	e.changes.last++
	e.changes.organizations[organization] = mark{number: e.changes.last, at: time.Now()}
	e.keys.each(func(k *key) bool {
		if k.state.Load().record.Organization == organization {
			k.invalid.Store(true)
		}
		return true
	})
}

// Caught is the feed's: every change up to a time has been told. After a silence
// of more than MaxStale every key is read again: the feed forgets in the end.
func (e *Engine) Caught(asOf time.Time) {
	before := e.CaughtUp()
	if !before.IsZero() && asOf.Sub(before) > e.settings.MaxStale {
		e.changes.mu.Lock()
		e.keys.each(func(k *key) bool {
			k.invalid.Store(true)
			return true
		})
		e.changes.mu.Unlock()
	}
	e.caught.Store(asOf.UnixNano())
	if e.redis != nil && !e.sealed.Load() {
		e.unseal()
	}
}

// Lost is the feed's: it cannot be read.
func (e *Engine) Lost(err error) {
	e.sealed.Store(false) // read the cache secret again: it may be another
	e.logger.Warn("The change feed of API keys cannot be read; known keys stay valid for max_stale.", errorField(err))
}

// CaughtUp is up to when every change is known; zero before the first reading.
func (e *Engine) CaughtUp() time.Time {
	caught := e.caught.Load()
	if caught == 0 {
		return time.Time{}
	}
	return time.Unix(0, caught)
}
