package cache

import (
	"sync"
	"time"
)

// breaker keeps calls from something that has just failed. After the pause one call may
// try it while the others still do without.
type breaker struct {
	mu    sync.Mutex
	pause time.Duration
	until time.Time // zero when all is well
}

// allow says whether to call now. Who is allowed must report.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(b.pause) // for the others, until this call reports
	return true
}

// report tells how a call ended, and says whether that changed things.
func (b *breaker) report(ok bool, now time.Time) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed = ok != b.until.IsZero()
	b.until = time.Time{}
	if !ok {
		b.until = now.Add(b.pause)
	}
	return changed
}
