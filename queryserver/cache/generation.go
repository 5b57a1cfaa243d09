package cache

import (
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// generations say how new the telemetry is that an answer can know of: per tenant, signal
// and hour of the data. The generation is part of the key, read before the question is
// asked, so that an answer that races with new data is never given for the newer one.
//
// New data counts from the next full interval on, at the frequency of the data-flow
// document's table. So all servers that hear the same hints have the same generations,
// and share L2.
type generations struct {
	now func() time.Time

	mu    sync.Mutex
	begun map[queryserver.Signal]time.Time // before that, nothing was heard
	hours map[stream]map[int64]generation  // by hours since 1970
	tidy  time.Time
}

type stream struct {
	tenant tenant.ID
	signal queryserver.Signal
}

// generation is since when, and from when on because of hints that wait.
type generation struct{ since, next time.Time }

// interval is how often new data makes answers old. Spans count almost at once: who looks
// for a trace waits for it.
func interval(signal queryserver.Signal) time.Duration {
	switch signal {
	case queryserver.Metrics:
		return 10 * time.Minute
	case queryserver.Logs:
		return time.Minute
	default:
		return time.Second
	}
}

// rememberFor is how long a generation is kept in mind: longer than any answer is.
const rememberFor = time.Hour

func newGenerations(now func() time.Time) *generations {
	g := &generations{now: now, hours: make(map[stream]map[int64]generation)}
	g.reset()
	return g
}

// reset is for when hints may have been missed: all that was remembered before is old.
func (g *generations) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	clear(g.hours)
	g.begun = make(map[queryserver.Signal]time.Time)
	for _, signal := range []queryserver.Signal{queryserver.Metrics, queryserver.Logs, queryserver.Traces} {
		g.begun[signal] = now.Truncate(interval(signal)).Add(interval(signal))
	}
}

// heard takes in that there is new data of a time range.
func (g *generations) heard(of tenant.ID, signal queryserver.Signal, in queryserver.TimeRange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.tidyUp(now)
	key := stream{of, signal}
	if g.hours[key] == nil {
		g.hours[key] = make(map[int64]generation)
	}
	next := now.Truncate(interval(signal)).Add(interval(signal))
	for hour := hourOf(in.From); hour <= hourOf(in.To); hour++ {
		held := g.hours[key][hour].at(now)
		held.next = next
		g.hours[key][hour] = held
	}
}

// at lets pass what has waited long enough.
func (h generation) at(now time.Time) generation {
	if !h.next.IsZero() && !h.next.After(now) {
		return generation{since: h.next}
	}
	return h
}

// of is the generation of the data of a time range.
func (g *generations) of(of tenant.ID, signal queryserver.Signal, in queryserver.TimeRange) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	newest := time.Time{}
	if begun := g.begun[signal]; !begun.After(now) {
		newest = begun
	}
	first, last := hourOf(in.From), hourOf(in.To)
	for hour, held := range g.hours[stream{of, signal}] {
		if held = held.at(now); hour >= first && hour <= last && held.since.After(newest) {
			newest = held.since
		}
	}
	return newest
}

// tidyUp drops, once a minute, what is older than any answer; the lock is held.
func (g *generations) tidyUp(now time.Time) {
	if now.Sub(g.tidy) < time.Minute {
		return
	}
	g.tidy = now
	for key, hours := range g.hours {
		for hour, held := range hours {
			if now.Sub(later(held.since, held.next)) > rememberFor {
				delete(hours, hour)
			}
		}
		if len(hours) == 0 {
			delete(g.hours, key)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func hourOf(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }
