package auth

import (
	"sync"
	"time"
)

// touches remembers when sessions and tokens were last noted to be in use, so that it is
// written once a minute and not with each call.
type touches struct {
	mu sync.Mutex
	at map[string]time.Time
}

const (
	touchEvery = time.Minute
	maxTouches = 100_000 // some 10 MB
)

// due says whether it is time to note a use, and if so takes it for noted.
func (t *touches) due(id string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, known := t.at[id]; known && now.Sub(last) < touchEvery {
		return false
	}
	if len(t.at) >= maxTouches {
		clear(t.at) // each is written once more
	}
	t.at[id] = now
	return true
}
