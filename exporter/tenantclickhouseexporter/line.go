package tenantclickhouseexporter

import (
	"context"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// request is one call of the pipeline that waits for its rows to be stored.
type request struct {
	ctx     context.Context
	items   int
	bytes   int
	add     func(*encode.Encoder) error
	arrived time.Time
	refused error      // set when its rows can never be stored
	done    chan error // of one place: answering never waits
}

func (r *request) left() bool { return r.ctx.Err() != nil }

// line is where requests wait for a consumer. A consumer that is free takes what
// has gathered; while others are inserting it lets a full group gather first.
type line struct {
	group   GroupConfig
	waiting WaitingConfig

	mu       sync.Mutex
	changed  *sync.Cond
	requests []*request
	items    int // of requests in line
	bytes    int // of requests in line and being inserted
	held     int // requests in line and being inserted
	busy     int // consumers that are inserting
	closed   bool
}

func newLine(config *Config) *line {
	l := &line{group: config.Group, waiting: config.Waiting}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// put adds a request, or says that there is no room.
func (l *line) put(r *request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errShuttingDown()
	}
	// A request larger than the bound is taken when nothing else waits.
	if l.held >= l.waiting.MaxRequests || l.held > 0 && l.bytes+r.bytes > l.waiting.MaxBytes {
		return errFull()
	}
	r.arrived = time.Now()
	if len(l.requests) == 0 && l.busy > 0 {
		time.AfterFunc(l.group.ParallelAfter, l.wake)
	}
	l.requests = append(l.requests, r)
	l.items += r.items
	l.bytes += r.bytes
	l.held++
	l.changed.Signal()
	return nil
}

func (l *line) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

// take waits for a group, and returns none when the line is closed and empty. The
// consumer must release what it took.
func (l *line) take(into []*request) []*request {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.ready() {
		if l.closed && len(l.requests) == 0 {
			return nil
		}
		l.changed.Wait()
	}
	group, items, bytes := into[:0], 0, 0
	for _, r := range l.requests {
		if len(group) > 0 && (items+r.items > l.group.MaxItems || bytes+r.bytes > l.group.MaxBytes) {
			break
		}
		group = append(group, r)
		items += r.items
		bytes += r.bytes
	}
	rest := copy(l.requests, l.requests[len(group):])
	clear(l.requests[rest:])
	l.requests = l.requests[:rest]
	l.items -= items
	l.busy++
	if rest > 0 {
		time.AfterFunc(l.group.ParallelAfter, l.wake)
		l.changed.Signal()
	}
	return group
}

// ready says whether a free consumer should begin.
func (l *line) ready() bool {
	if len(l.requests) == 0 {
		return false
	}
	return l.busy == 0 || l.closed || l.items >= l.group.ParallelItems ||
		time.Since(l.requests[0].arrived) >= l.group.ParallelAfter
}

// release ends what take began.
func (l *line) release(group []*request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range group {
		l.bytes -= r.bytes
	}
	l.held -= len(group)
	l.busy--
	l.changed.Broadcast()
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
}
