package spool

import (
	"context"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Request is what Put keeps.
type Request struct {
	Entry
	// Context is the client's; who has left is not written down.
	Context context.Context //nolint:containedctx // the request waits in line
	Bytes   int
	// Add encodes the request. When it fails it has added nothing.
	Add func(*encode.Encoder) error

	taken  bool // by the writer: it may be written down
	answer chan error
	kept   Answered
}

// Kept is what became of a request that is on disk.
type Kept struct {
	Answered
	// Again says that the request repeats an earlier one, whose answer this is. It is
	// not stored a second time.
	Again bool
}

func (r *Request) owner() tenant.ID {
	if len(r.Shares) == 0 {
		return tenant.ID{}
	}
	return r.Shares[0].Owner.Tenant
}

// Put returns when the request is on disk, or will never be: with an error, nothing
// of it is kept. A repetition waits for the request that it repeats, and takes its
// place when that one fails.
func (s *Spool) Put(r *Request) (Kept, error) {
	r.answer = make(chan error, 1)
	for {
		earlier, first, err := s.queue(r)
		switch {
		case err != nil:
			return Kept{}, err
		case earlier != nil:
			return Kept{Answered: *earlier, Again: true}, nil
		case first == nil:
			defer s.settled(r)
			return s.await(r)
		}
		select {
		case <-first:
		case <-r.Context.Done():
			return Kept{}, r.Context.Err()
		}
	}
}

// Knows says whether Put takes a request of the identity for a repetition.
func (s *Spool) Knows(identity Identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, waits := s.pending[identity]
	return waits || s.state.answered.find(identity, s.settings.Clock(), s.settings.RepeatWindow) != nil
}

// queue puts a request in line, unless it repeats one that is answered, or one that
// is not answered yet, which ends when the channel is closed.
func (s *Spool) queue(r *Request) (earlier *Answered, first <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.drained != nil {
		return nil, nil, ErrClosed
	}
	now := s.settings.Clock()
	if r.Identity != (Identity{}) {
		if earlier := s.state.answered.find(r.Identity, now, s.settings.RepeatWindow); earlier != nil {
			return earlier, nil, nil
		}
		if first, waits := s.pending[r.Identity]; waits {
			return nil, first, nil
		}
	}
	owner := r.owner()
	s.senders.note(owner, now)
	if s.waiting.requests >= s.settings.MaxRequests || s.waiting.bytes > 0 && s.waiting.bytes+int64(r.Bytes) > s.settings.MaxWaiting {
		return nil, nil, ErrFull
	}
	if s.senders.beyondShare(s.waiting.held(owner), s.waiting.bytes, s.settings.MaxWaiting) ||
		s.senders.beyondShare(s.held[owner], s.used, s.log.MaxSize()) {
		return nil, nil, ErrShare
	}
	if r.Identity != (Identity{}) {
		s.pending[r.Identity] = make(chan struct{})
	}
	s.waiting.put(r)
	return nil, nil, nil
}

// await waits for the answer. A client that leaves takes its request with it, but not
// out of the writer's hands: else a repetition could be stored beside it.
func (s *Spool) await(r *Request) (Kept, error) {
	s.notify(s.wake)
	select {
	case err := <-r.answer:
		return Kept{Answered: r.kept}, err
	case <-r.Context.Done():
	}
	s.mu.Lock()
	taken := r.taken
	s.mu.Unlock()
	if !taken {
		return Kept{}, r.Context.Err() // the writer will pass over it
	}
	err := <-r.answer
	return Kept{Answered: r.kept}, err
}

// settled lets the repetitions of a request go on.
func (s *Spool) settled(r *Request) {
	if r.Identity == (Identity{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.pending[r.Identity])
	delete(s.pending, r.Identity)
}
