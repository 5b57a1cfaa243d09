package spool

import (
	"math"
	"slices"
	"time"
)

// Progress is what others must know to say what became of a request of the log.
type Progress struct {
	// Oldest is, by writer, the number of its first batch that waits or is to come. The
	// batches before it are finished, and all of them when it is NothingWaits.
	Oldest map[[8]byte]uint64
	// Finished are the batches that were finished, or whose dead items changed.
	Finished []FinishedBatch
	// Next is what to ask for to hear of later changes.
	Next uint64
}

// NothingWaits is the Oldest of a former writer whose batches are all finished.
const NothingWaits = math.MaxInt64

// FinishedBatch is a batch of which nothing waits, and until when that is told.
type FinishedBatch struct {
	ID
	Finished
	Expires time.Time
}

// Progress returns what has changed since an earlier call returned Next; since 0,
// everything that is not forgotten.
func (s *Spool) Progress(since uint64) Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Oldest: map[[8]byte]uint64{s.writer: s.number + 1}, Next: s.state.changes}
	now, lives := s.settings.Clock(), s.lifetimes()
	for id, f := range s.state.finished {
		expires := f.At.Add(lives.of(f))
		if !now.Before(expires) {
			continue
		}
		if id.Writer != s.writer {
			p.Oldest[id.Writer] = NothingWaits
		}
		if f.change > since {
			f.Dead = slices.Clone(f.Dead)
			p.Finished = append(p.Finished, FinishedBatch{id, f, expires})
		}
	}
	for b := range s.batches {
		if waits, known := p.Oldest[b.ID.Writer]; !known || b.ID.Number < waits {
			p.Oldest[b.ID.Writer] = b.ID.Number
		}
	}
	return p
}
