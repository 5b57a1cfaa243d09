package spool

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// Settings say what a batch is and how much may wait.
type Settings struct {
	// NewEncoder makes an encoder for a batch.
	NewEncoder func() *encode.Encoder
	// MaxRows and MaxBytes end a batch.
	MaxRows, MaxBytes int
	// MaxAge ends a batch for which a sender waits.
	MaxAge time.Duration
	// MaxWaiting is the bytes of requests that may wait for the disk.
	MaxWaiting int
	// InMemory is how many batches are kept in memory; others are read from the log.
	InMemory int
	// Clock is time.Now but in tests.
	Clock func() time.Time
}

// Errors of Put. Nothing of the request is kept.
var (
	ErrFull   = errors.New("the log has no room")
	ErrClosed = errors.New("the log is closed")
	ErrFailed = errors.New("the log cannot be written")
)

// Spool is safe for concurrent use.
type Spool struct {
	settings Settings
	log      *wal.Log
	logger   *zap.Logger
	writer   [8]byte
	wake     chan struct{} // of one place: there is something to write
	done     chan struct{} // the writer has ended

	mu        sync.Mutex
	waiting   []*Request
	bytes     int // of waiting requests
	committed []*Batch
	sealed    []*Batch // for senders
	hungry    int      // senders that wait
	batches   map[*Batch]struct{}
	idle      []*encode.Encoder
	resident  int           // batches in memory, the open one too
	ready     chan struct{} // of one place: there is a batch to send
	closed    bool
	drained   chan struct{} // not nil: to be closed when nothing is left

	// The writer's own.
	open   *Batch
	opened time.Time
	unseal []*Batch // to be sealed
	number uint64
	record []byte
	full   time.Time // until then the log is taken to have no room
}

// Request is what Put keeps.
type Request struct {
	// Context is the client's; who has left is not written down.
	Context context.Context //nolint:containedctx // the request waits in line
	Items   Items
	Bytes   int
	// Add encodes the request. When it fails it has added nothing.
	Add func(*encode.Encoder) error

	answer chan error
}

// Open recovers what the log holds and begins to write.
func Open(log *wal.Log, settings Settings, logger *zap.Logger) (*Spool, error) {
	if settings.Clock == nil {
		settings.Clock = time.Now
	}
	found, damage, err := read(log)
	if err != nil {
		return nil, err
	}
	for _, d := range damage {
		logger.Error("Part of the log has changed on disk and cannot be read; its segment will be kept in quarantine.",
			zap.String("segment", d.Segment), zap.Uint64("from", uint64(d.From)), zap.Uint64("to", uint64(d.To)))
	}
	s := &Spool{
		settings: settings, log: log, logger: logger,
		wake: make(chan struct{}, 1), done: make(chan struct{}), ready: make(chan struct{}, 1),
		batches: make(map[*Batch]struct{}), number: found.highest,
	}
	_, _ = rand.Read(s.writer[:]) // crypto/rand.Read never fails (Go 1.24)
	for _, b := range found.batches {
		s.batches[b] = struct{}{}
		if found.sealed[b.ID] {
			s.sealed = append(s.sealed, b)
		} else {
			s.unseal = append(s.unseal, b)
		}
	}
	s.notify(s.wake)
	go s.write()
	return s, nil
}

func (s *Spool) notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Put returns when the request is on disk, or will never be, or when its context ends.
func (s *Spool) Put(r *Request) error {
	r.answer = make(chan error, 1)
	s.mu.Lock()
	switch {
	case s.closed || s.drained != nil:
		s.mu.Unlock()
		return ErrClosed
	case len(s.waiting) > 0 && s.bytes+r.Bytes > s.settings.MaxWaiting:
		s.mu.Unlock()
		return ErrFull
	}
	s.waiting = append(s.waiting, r)
	s.bytes += r.Bytes
	s.mu.Unlock()
	s.notify(s.wake)
	select {
	case err := <-r.answer:
		return err
	case <-r.Context.Done(): // it may be written down nevertheless
		return r.Context.Err()
	}
}

// Next waits for a batch to send. It is the caller's until Commit.
func (s *Spool) Next(ctx context.Context) (*Batch, error) {
	s.mu.Lock()
	s.hungry++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.hungry--
		s.mu.Unlock()
	}()
	s.notify(s.wake) // the open batch may be old enough
	for {
		if b := s.take(); b != nil {
			return b, nil
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Spool) take() *Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sealed) == 0 {
		return nil
	}
	b := s.sealed[0]
	s.sealed = s.sealed[1:]
	if len(s.sealed) > 0 {
		s.notify(s.ready)
	}
	return b
}

// Commit says that ClickHouse has all of the batch, whose blocks must no longer be
// used.
func (s *Spool) Commit(b *Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.encoder != nil {
		b.encoder.Commit()
		s.retire(b)
	}
	s.committed = append(s.committed, b)
	s.notify(s.wake)
}

// retire takes the encoder of a batch for another one; s.mu is held.
func (s *Spool) retire(b *Batch) {
	s.idle = append(s.idle, b.encoder)
	b.encoder = nil
	s.resident--
}

// Pending is what is on disk and not committed.
func (s *Spool) Pending() (batches int, items Items) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.batches {
		items.add(b.Items)
	}
	return len(s.batches), items
}

// Waiting is what is not on disk yet.
func (s *Spool) Waiting() (requests, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting), s.bytes
}

// Drain refuses new requests and waits until all that was accepted is committed.
func (s *Spool) Drain(ctx context.Context) error {
	s.mu.Lock()
	if s.drained == nil {
		s.drained = make(chan struct{})
	}
	drained := s.drained
	s.mu.Unlock()
	s.notify(s.wake)
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close refuses new requests, writes down those that wait, and ends. It does not
// close the log.
func (s *Spool) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.notify(s.wake)
	<-s.done
}
