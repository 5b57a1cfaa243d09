package spool

import (
	"slices"
	"time"
)

// AccountView is an account as it is now: Accepted = Stored + Queued + Dead + Filtered.
type AccountView struct {
	Account
	Counts
	Queued uint64
	Oldest time.Time // of what is queued; zero: nothing is
}

// Accounts returns every account of the log, each figure counted on its own.
func (s *Spool) Accounts() []AccountView {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := make(map[Account]*AccountView, len(s.state.ledger))
	for account, counts := range s.state.ledger {
		views[account] = &AccountView{Account: account, Counts: *counts}
	}
	for b := range s.batches {
		for account, n := range b.items {
			v := views[account]
			if v == nil {
				v = &AccountView{Account: account}
				views[account] = v
			}
			v.Queued += n
			if v.Oldest.IsZero() || b.oldest.Before(v.Oldest) {
				v.Oldest = b.oldest
			}
		}
	}
	all := make([]AccountView, 0, len(views))
	for _, v := range views {
		all = append(all, *v)
	}
	return all
}

// Queue is what is on disk and not committed.
type Queue struct {
	Batches, Items int
	Oldest         time.Time
}

// Queue returns what waits for ClickHouse.
func (s *Spool) Queue() (q Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.batches {
		if b.groups == 0 {
			continue
		}
		q.Batches++
		q.Items += b.Items()
		if q.Oldest.IsZero() || b.oldest.Before(q.Oldest) {
			q.Oldest = b.oldest
		}
	}
	return q
}

// Waiting is what is not on disk yet.
func (s *Spool) Waiting() (requests int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.requests, s.waiting.bytes
}

// Secret proves that a receipt is of this log.
func (s *Spool) Secret() Secret { return s.state.secret }

// Writer names the batches of this opening of the log.
func (s *Spool) Writer() [8]byte { return s.writer }

// Status is what became of a batch's requests.
type Status int

// What became of a request.
const (
	Unknown Status = iota // it never was, or was finished too long ago
	Queued
	Done // stored, but for what is dead
)

// Find says what became of a request, and how many of its items are dead.
func (s *Spool) Find(p Place) (status Status, dead int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, finished := s.state.finished[p.Batch]; finished {
		for _, d := range f.Dead {
			if d.Request == p.Request {
				dead += d.Items
			}
		}
		return Done, dead
	}
	for b := range s.batches {
		if b.ID == p.Batch && p.Request < b.requests {
			return Queued, 0
		}
	}
	return Unknown, 0
}

// Answered returns the requests whose repetition is to be recognised, oldest first.
func (s *Spool) Answered() []Answered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.answered)
}
