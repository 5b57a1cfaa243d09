package spool

import (
	"encoding/binary"
	"maps"
	"time"
)

// state is all that the log says in sum. A checkpoint holds it, so that it outlives
// the records that made it.
type state struct {
	secret   Secret
	ledger   Ledger
	finished map[ID]Finished
	answered []Answered // oldest first
}

// Secret proves that a receipt is of this log.
type Secret [32]byte

// Place is where a request is: the receipt that its client is given.
type Place struct {
	Batch   ID
	Request uint64 // in the batch
}

// Finished is a batch of which nothing waits any more.
type Finished struct {
	At   time.Time
	Dead []Dead
}

// Answered is a request that may be repeated, and what it was answered.
type Answered struct {
	Identity Identity
	Place    Place
	At       time.Time
	Items    int
	Rejected int
	Message  string
}

// lifetimes are for how long things are remembered.
type lifetimes struct{ answered, stored, dead time.Duration }

func newState() *state {
	return &state{ledger: make(Ledger), finished: make(map[ID]Finished)}
}

// accept notes a durable group, and returns what its clients may repeat.
func (s *state) accept(g *group) (answered []Answered) {
	for i := range g.entries {
		e := &g.entries[i]
		s.ledger.accept(e)
		if e.Identity != (Identity{}) {
			answered = append(answered, Answered{
				Identity: e.Identity, Place: Place{g.batch, g.first + uint64(i)}, At: g.at,
				Items: e.Items(), Rejected: e.Rejected, Message: e.Message,
			})
		}
	}
	s.answered = append(s.answered, answered...)
	return answered
}

// commit notes the end of a batch. That may be in the log twice, when it was not
// certain that the first record was kept.
func (s *state) commit(c commit) {
	if _, noted := s.finished[c.batch]; noted {
		return
	}
	for account, n := range c.stored {
		s.ledger.of(account).Stored += n
	}
	for _, d := range c.dead {
		s.ledger.of(d.Account).Dead += uint64(d.Items)
	}
	s.finished[c.batch] = Finished{At: c.at, Dead: c.dead}
}

// replayed notes that dead items of a batch are stored after all. What is not known
// to be dead is left alone, so that noting it twice changes nothing.
func (s *state) replayed(batch ID, revived []Dead) {
	f, known := s.finished[batch]
	if !known {
		return
	}
	left := make([]Dead, 0, len(f.Dead))
	for _, d := range f.Dead {
		for i := range revived {
			r := &revived[i]
			if r.Request != d.Request || r.Account != d.Account {
				continue
			}
			n := min(r.Items, d.Items)
			r.Items -= n
			d.Items -= n
			counts := s.ledger.of(d.Account)
			counts.Dead -= uint64(n)
			counts.Stored += uint64(n)
		}
		if d.Items > 0 {
			left = append(left, d)
		}
	}
	s.finished[batch] = Finished{At: f.At, Dead: left}
}

// expire forgets what has been remembered long enough.
func (s *state) expire(now time.Time, l lifetimes) {
	n := 0
	for n < len(s.answered) && now.Sub(s.answered[n].At) > l.answered {
		n++
	}
	s.answered = append(s.answered[:0], s.answered[n:]...)
	maps.DeleteFunc(s.finished, func(_ ID, f Finished) bool {
		life := l.stored
		if len(f.Dead) > 0 {
			life = l.dead
		}
		return now.Sub(f.At) > life
	})
}

func (s *state) append(dst []byte) []byte {
	dst = append(dst, s.secret[:]...)
	dst = s.ledger.append(dst)
	dst = binary.AppendUvarint(dst, uint64(len(s.finished)))
	for id, f := range s.finished {
		dst = appendDead(appendTime(appendID(dst, id), f.At), f.Dead)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.answered)))
	for i := range s.answered {
		a := &s.answered[i]
		dst = append(dst, a.Identity[:]...)
		dst = binary.AppendUvarint(appendID(dst, a.Place.Batch), a.Place.Request)
		dst = binary.AppendUvarint(appendTime(dst, a.At), uint64(a.Items))
		dst = appendText(binary.AppendUvarint(dst, uint64(a.Rejected)), a.Message)
	}
	return dst
}

func (r *reader) state() *state {
	s := newState()
	copy(s.secret[:], r.take(len(s.secret)))
	s.ledger = r.ledger()
	for range r.count(11) {
		id := r.id()
		s.finished[id] = Finished{At: r.time(), Dead: r.dead()}
	}
	s.answered = make([]Answered, r.count(30))
	for i := range s.answered {
		a := &s.answered[i]
		copy(a.Identity[:], r.take(len(a.Identity)))
		a.Place = Place{Batch: r.id(), Request: r.uvarint()}
		a.At, a.Items, a.Rejected, a.Message = r.time(), r.number(), r.number(), r.text()
	}
	return s
}
