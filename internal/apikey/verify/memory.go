package verify

import (
	"sync"
	"time"
)

// memory remembers things for a while, and no more of them than a bound: when it
// is full, any one is forgotten.
type memory[K comparable] struct {
	mu    sync.Mutex
	until map[K]time.Time
	most  int
	ttl   time.Duration
}

func newMemory[K comparable](most int, ttl time.Duration) *memory[K] {
	return &memory[K]{until: make(map[K]time.Time), most: most, ttl: ttl}
}

func (m *memory[K]) has(thing K, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.until[thing])
}

func (m *memory[K]) add(thing K, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.until) >= m.most {
		for any := range m.until {
			delete(m.until, any)
			break
		}
	}
	m.until[thing] = now.Add(m.ttl)
}

func (m *memory[K]) forget(thing K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.until, thing)
}

func (m *memory[K]) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.until)
}

func (m *memory[K]) tidy(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for thing, until := range m.until {
		if now.After(until) {
			delete(m.until, thing)
		}
	}
}
