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
	changes  uint64 // of finished, counted since the log was opened
	answered answers
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
	At   time.Time // when all of it was stored or dead, or stored after all
	Dead []Dead

	change uint64 // the number of its last change
}

// lifetimes are for how long things are remembered.
type lifetimes struct{ answered, stored, dead time.Duration }

func (l lifetimes) of(f Finished) time.Duration {
	if len(f.Dead) > 0 {
		return l.dead
	}
	return l.stored
}

func newState() *state {
	return &state{ledger: make(Ledger), finished: make(map[ID]Finished), answered: newAnswers()}
}

// finish notes how a batch has ended.
func (s *state) finish(id ID, f Finished) {
	s.changes++
	f.change = s.changes
	s.finished[id] = f
}

// accept notes a durable group, and what its clients may repeat.
func (s *state) accept(g *group) {
	for i := range g.entries {
		e := &g.entries[i]
		s.ledger.accept(e)
		if e.Identity != (Identity{}) {
			s.answered.add(g.answered(i))
		}
	}
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
	s.finish(c.batch, Finished{At: c.at, Dead: c.dead})
}

// replayed notes that dead items of a batch are stored after all. What is not known
// to be dead is left alone, so that noting it twice changes nothing.
func (s *state) replayed(r replayed) {
	f, known := s.finished[r.batch]
	if !known {
		return
	}
	left := make([]Dead, 0, len(f.Dead))
	for _, d := range f.Dead {
		for i := range r.dead {
			revived := &r.dead[i]
			if revived.Request != d.Request || revived.Account != d.Account {
				continue
			}
			n := min(revived.Items, d.Items)
			revived.Items -= n
			d.Items -= n
			counts := s.ledger.of(d.Account)
			counts.Dead -= uint64(n)
			counts.Stored += uint64(n)
		}
		if d.Items > 0 {
			left = append(left, d)
		}
	}
	s.finish(r.batch, Finished{At: r.at, Dead: left})
}

// expire forgets what has been remembered long enough.
func (s *state) expire(now time.Time, l lifetimes) {
	s.answered.expire(now, l.answered)
	maps.DeleteFunc(s.finished, func(_ ID, f Finished) bool { return now.Sub(f.At) >= l.of(f) })
}

func (s *state) append(dst []byte) []byte {
	dst = append(dst, s.secret[:]...)
	dst = s.ledger.append(dst)
	dst = binary.AppendUvarint(dst, uint64(len(s.finished)))
	for id, f := range s.finished {
		dst = appendDead(appendTime(appendID(dst, id), f.At), f.Dead)
	}
	return s.answered.append(dst)
}

func (r *reader) state() *state {
	s := newState()
	copy(s.secret[:], r.take(len(s.secret)))
	s.ledger = r.ledger()
	for range r.count(11) {
		id := r.id()
		s.finish(id, Finished{At: r.time(), Dead: r.dead()})
	}
	s.answered = r.answers()
	return s
}
