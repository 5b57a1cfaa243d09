package spool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
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
	// MaxWaiting is the bytes of requests that may wait for the disk, and MaxRequests
	// their number.
	MaxWaiting  int64
	MaxRequests int
	// InMemory is how many batches are kept in memory; others are read from the log.
	InMemory int
	// RepeatWindow is for how long a request is recognised when it is repeated.
	RepeatWindow time.Duration
	// StoredLife and DeadLife are for how long a receipt can be asked for.
	StoredLife, DeadLife time.Duration
	// Clock is time.Now but in tests.
	Clock func() time.Time
}

// Errors of Put. Nothing of the request is kept.
var (
	ErrFull   = errors.New("the log has no room")
	ErrShare  = errors.New("the tenant has its share of the log")
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
	waiting   line
	senders   tenants
	held      map[tenant.ID]int64 // bytes of the log that wait for ClickHouse
	used      int64               // bytes of the log on disk
	parts     uint64              // one more than SetParts said; 0: not known
	state     *state
	number    uint64 // of the last batch that was begun
	committed []*Batch
	sealed    []*Batch // for senders
	hungry    int      // senders that wait
	batches   map[*Batch]struct{}
	pending   map[Identity]chan struct{} // requests that are not answered yet
	idle      []*encode.Encoder
	resident  int           // batches in memory, the open one too
	ready     chan struct{} // of one place: there is a batch to send
	closed    bool
	drained   chan struct{} // not nil: to be closed when nothing is left

	// The writer's own.
	open     *Batch
	opened   time.Time
	unseal   []*Batch // to be sealed
	record   []byte
	full     time.Time // until then the log is taken to have no room
	warned   time.Time // that it has no room for some requests
	hasPoint bool      // the log has a checkpoint
	expired  time.Time // when what is old was forgotten
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
		waiting: line{queues: make(map[tenant.ID]*queue)}, senders: tenants{seen: make(map[tenant.ID]time.Time)},
		held: make(map[tenant.ID]int64), state: found.state, batches: make(map[*Batch]struct{}), pending: make(map[Identity]chan struct{}),
		used: log.Size(), number: found.highest, hasPoint: found.hasPoint,
	}
	_, _ = rand.Read(s.writer[:]) // crypto/rand.Read never fails (Go 1.24)
	if !s.hasPoint {
		_, _ = rand.Read(s.state.secret[:])
	}
	for _, b := range found.batches {
		s.keepBatch(b)
		b.Recovered = true
		if parts, sealed := found.sealed[b.ID]; sealed {
			b.parts = parts
			s.sealed = append(s.sealed, b)
		} else {
			b.Unsealed = true
			s.unseal = append(s.unseal, b)
		}
	}
	s.notify(s.wake)
	go s.write()
	return s, nil
}

// keepBatch counts a recovered batch as waiting.
func (s *Spool) keepBatch(b *Batch) {
	s.batches[b] = struct{}{}
	for owner, n := range b.bytes {
		s.held[owner] += n
	}
}

func (s *Spool) notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
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

// Split notes that ClickHouse will never take some rows of a block, so that the
// others are sent as the same block after any crash. A block is split once.
func (s *Spool) Split(b *Batch, block *encode.Block, rows []int) error {
	dead, err := b.attribute(block, rows)
	if err != nil {
		return fmt.Errorf("find out whose rows are refused: %w", err)
	}
	record := split{batch: b.ID, rank: block.Rank(), rows: rows, dead: dead}
	if err := s.note(kindSplit, record.append(nil)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.splits[block.Rank()] = record
	return nil
}

// note writes a record from outside the writer.
func (s *Spool) note(kind wal.Kind, record []byte) error {
	if _, _, err := s.log.AppendControl(kind, record); err != nil {
		return err
	}
	_, err := s.log.Sync()
	return err
}

// Commit says that ClickHouse has all of the batch but its dead rows. Its blocks must
// no longer be used.
func (s *Spool) Commit(b *Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.encoder != nil {
		if len(b.splits) == 0 { // else labels of series may be among the dead rows
			b.encoder.Commit()
		}
		s.retire(b)
	}
	s.committed = append(s.committed, b)
	s.notify(s.wake)
}

// Replayed says that dead items of a batch are stored after all.
func (s *Spool) Replayed(batch ID, dead []Dead) error {
	s.mu.Lock()
	defer s.mu.Unlock() // over the record too: a checkpoint has both or neither
	record := replayed{batch: batch, at: s.settings.Clock(), dead: dead}
	if err := s.note(kindReplayed, record.append(nil)); err != nil {
		return err
	}
	s.state.replayed(record)
	return nil
}

// retire takes the encoder of a batch for another one; s.mu is held.
func (s *Spool) retire(b *Batch) {
	s.idle = append(s.idle, b.encoder)
	b.encoder = nil
	s.resident--
}

// SetParts says how many parts ClickHouse has made so far. Each batch remembers that
// of its seal: see Batch.Parts.
func (s *Spool) SetParts(parts uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = parts + 1
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
