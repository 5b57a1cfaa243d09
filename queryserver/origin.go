package queryserver

import (
	"context"
	"sync"
)

// Origin is the level of the cache that an answer came from: L1, L2, or empty for none.
type Origin string

// Trail collects where the parts of one answer came from.
type Trail struct {
	mu     sync.Mutex
	noted  bool
	origin Origin
}

type trailKey struct{}

// WithTrail returns a context for one answer, and what will be known of it.
func WithTrail(ctx context.Context) (context.Context, *Trail) {
	trail := &Trail{}
	return context.WithValue(ctx, trailKey{}, trail), trail
}

// NoteOrigin notes where a part of the answer came from.
func NoteOrigin(ctx context.Context, origin Origin) {
	trail, watched := ctx.Value(trailKey{}).(*Trail)
	if !watched {
		return
	}
	trail.mu.Lock()
	defer trail.mu.Unlock()
	if !trail.noted || slower(origin, trail.origin) {
		trail.origin = origin
	}
	trail.noted = true
}

// slower says whether one level is further away than another.
func slower(a, b Origin) bool {
	distance := func(o Origin) int {
		switch o {
		case "L1":
			return 1
		case "L2":
			return 2
		default:
			return 3
		}
	}
	return distance(a) > distance(b)
}

// Origin is the slowest of the levels that the parts came from.
func (t *Trail) Origin() Origin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.origin
}
