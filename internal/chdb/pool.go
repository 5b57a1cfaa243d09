package chdb

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// pool lends connections in the order they were asked for.
type pool struct {
	queueLength int
	queueWait   time.Duration

	mu      sync.Mutex
	idle    []*conn
	waiting list.List // of chan *conn
}

func newPool(queueLength int, queueWait time.Duration) *pool {
	return &pool{queueLength: queueLength, queueWait: queueWait}
}

func (p *pool) get(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1] // the last used one: its settings are likeliest to fit
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	if p.waiting.Len() >= p.queueLength {
		p.mu.Unlock()
		return nil, tooMany("the queue of %d statements is full", p.queueLength)
	}
	turn := make(chan *conn, 1)
	place := p.waiting.PushBack(turn)
	p.mu.Unlock()

	timer := time.NewTimer(p.queueWait)
	defer timer.Stop()
	select {
	case c := <-turn:
		return c, nil
	case <-ctx.Done():
		p.leave(place, turn)
		return nil, ctx.Err()
	case <-timer.C:
		p.leave(place, turn)
		return nil, tooMany("no connection became free in %s", p.queueWait)
	}
}

// leave gives up a place in the queue, and hands on the connection that may
// have arrived at the same moment.
func (p *pool) leave(place *list.Element, turn chan *conn) {
	p.mu.Lock()
	p.waiting.Remove(place)
	p.mu.Unlock()
	select {
	case c := <-turn:
		p.put(c)
	default:
	}
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.waiting.Front(); first != nil {
		p.waiting.Remove(first)
		first.Value.(chan *conn) <- c //nolint:forcetypeassert // only chan *conn is pushed
		return
	}
	p.idle = append(p.idle, c)
}

func tooMany(format string, args ...any) error {
	return NewException(CodeTooManyQueries, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries: "+format, args...)
}
