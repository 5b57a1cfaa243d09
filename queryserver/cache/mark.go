package cache

import (
	"strings"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// mark is an invalidation. Numbers order it among the loads of this instance, exactly;
// the time orders it among the readings of all instances, up to the skew of clocks.
type mark struct {
	number uint64
	at     time.Time
}

// join is what both marks forbid.
func (m mark) join(other mark) mark {
	m.number = max(m.number, other.number)
	if other.at.After(m.at) {
		m.at = other.at
	}
	return m
}

// target is what a mark is about: an id, a prefix of ids that ends in ":" or is empty, or
// all values of an owner.
type target struct {
	name  string
	owner tenant.ID
}

// marks are the invalidations of one kind, the last most of them one by one. Whatever
// was about an older one is about everything: that can only refuse too much.
type marks struct {
	mu     sync.RWMutex
	number uint64 // of the last mark
	floor  mark   // about everything
	owners mark   // about any owner
	held   map[target]mark
	order  []target // a ring of what is held, the oldest at next once it is full
	next   int
	most   int
}

func newMarks(most int) *marks { return &marks{held: make(map[target]mark), most: most} }

// begin is the number for a load that begins now.
func (m *marks) begin() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.number
}

// add marks a target.
func (m *marks) add(t target, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.number++
	made := mark{number: m.number, at: at}
	if !t.owner.IsZero() {
		m.owners = m.owners.join(made)
	}
	if held, again := m.held[t]; again {
		m.held[t] = held.join(made)
		return
	}
	m.held[t] = made
	if len(m.order) < m.most {
		m.order = append(m.order, t)
		return
	}
	oldest := m.order[m.next]
	m.floor = m.floor.join(m.held[oldest])
	delete(m.held, oldest)
	m.order[m.next] = t
	m.next = (m.next + 1) % m.most
}

// addAll marks everything.
func (m *marks) addAll(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.number++
	m.floor = m.floor.join(mark{number: m.number, at: at})
}

// addNumber keeps loads under way out of L1, and says nothing of L2.
func (m *marks) addNumber() { m.addAll(time.Time{}) }

// of is what holds for an id. An owner that is zero may be any; m.mu is held.
func (m *marks) of(id string, owner tenant.ID) mark {
	held := m.floor.join(m.held[target{}]).join(m.held[target{name: id}])
	for end := strings.IndexByte(id, ':') + 1; end > 0; {
		held = held.join(m.held[target{name: id[:end]}])
		further := strings.IndexByte(id[end:], ':') + 1
		if further == 0 {
			break
		}
		end += further
	}
	if owner.IsZero() {
		return held.join(m.owners)
	}
	return held.join(m.held[target{owner: owner}])
}

// since says whether the value was marked after a load began.
func (m *marks) since(began uint64, id string, owner tenant.ID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.of(id, owner).number > began
}

// last is when the value was marked; zero for never.
func (m *marks) last(id string, owner tenant.ID) time.Time {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.of(id, owner).at
}

// unless calls install if the value has not been marked since a load began. A mark that
// comes meanwhile waits, and then finds what was installed.
func (m *marks) unless(began uint64, id string, owner tenant.ID, install func()) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.of(id, owner).number <= began {
		install()
	}
}
