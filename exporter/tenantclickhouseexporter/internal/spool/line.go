package spool

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// line is where requests wait to be written: first come, first served within a
// tenant, and the tenants take turns.
type line struct {
	queues   map[tenant.ID]*queue
	turns    []tenant.ID // of those with requests
	requests int
	bytes    int64
}

type queue struct {
	requests []*Request
	bytes    int64
}

func (l *line) put(r *Request) {
	owner := r.owner()
	q := l.queues[owner]
	if q == nil {
		q = &queue{}
		l.queues[owner] = q
		l.turns = append(l.turns, owner)
	}
	q.requests = append(q.requests, r)
	q.bytes += int64(r.Bytes)
	l.requests++
	l.bytes += int64(r.Bytes)
}

func (l *line) held(owner tenant.ID) int64 {
	if q := l.queues[owner]; q != nil {
		return q.bytes
	}
	return 0
}

// take removes requests until they have so many items or bytes, at least one. Those
// that the log has no room for are removed too, and do not keep smaller ones out.
func (l *line) take(maxItems, maxBytes int, room int64) (taken, tooLarge []*Request) {
	items, bytes := 0, 0
	for len(l.turns) > 0 {
		owner := l.turns[0]
		q := l.queues[owner]
		r := q.requests[0]
		fits := int64(r.Bytes) <= room
		if fits && len(taken) > 0 && (items+r.Items() > maxItems || bytes+r.Bytes > maxBytes || int64(bytes+r.Bytes) > room) {
			break
		}
		r.taken = true
		if fits {
			taken = append(taken, r)
			items, bytes = items+r.Items(), bytes+r.Bytes
		} else {
			tooLarge = append(tooLarge, r)
		}
		q.requests = q.requests[1:]
		q.bytes -= int64(r.Bytes)
		l.requests--
		l.bytes -= int64(r.Bytes)
		l.turns = l.turns[1:]
		if len(q.requests) > 0 {
			l.turns = append(l.turns, owner)
		} else {
			delete(l.queues, owner)
		}
	}
	return taken, tooLarge
}

// tenants remembers who has sent lately: they share what room there is.
type tenants struct {
	seen   map[tenant.ID]time.Time
	pruned time.Time
}

// tenantMemory is for how long a tenant that sends nothing keeps its share.
const tenantMemory = 10 * time.Minute

func (t *tenants) note(owner tenant.ID, now time.Time) {
	t.seen[owner] = now
	if now.Sub(t.pruned) < tenantMemory/10 {
		return
	}
	t.pruned = now
	for id, at := range t.seen {
		if now.Sub(at) > tenantMemory {
			delete(t.seen, id)
		}
	}
}

// beyondShare says whether a tenant that holds so much may have no more. From half
// full on, what is left is for all tenants alike; one that is alone may fill it.
func (t *tenants) beyondShare(held, used, size int64) bool {
	return used > size/2 && len(t.seen) > 1 && held > (size-used)/int64(len(t.seen))
}
