package spool

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

const (
	// retryWrite is how long to wait before a record that must be written is tried again.
	retryWrite = 200 * time.Millisecond
	// warnEvery keeps a full log from filling another one.
	warnEvery = 10 * time.Second
	// A group is small enough that nobody waits long for the one before: it is encoded
	// in some 20 ms.
	maxGroupItems = 8_192
	maxGroupBytes = 4 << 20
)

// write is the only goroutine that writes groups, seals, commits and checkpoints.
func (s *Spool) write() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-s.wake:
		case <-timer.C:
		}
		for {
			s.writeCommits()
			requests, closed := s.collect()
			s.writeGroup(requests)
			s.sealWhenDue()
			s.writeSeals()
			if len(requests) > 0 {
				continue
			}
			s.tellDrained()
			if closed {
				return
			}
			break
		}
		timer.Reset(s.pause())
	}
}

// tellDrained ends a Drain when nothing is left.
func (s *Spool) tellDrained() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained == nil || len(s.batches) > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}

// pause is when there may be something to do if nobody calls before.
func (s *Spool) pause() time.Duration {
	s.mu.Lock()
	retry := len(s.unseal)+len(s.committed) > 0
	s.mu.Unlock()
	if retry {
		return retryWrite
	}
	if s.open != nil {
		if left := s.settings.MaxAge - s.settings.Clock().Sub(s.opened); left > 0 {
			return left
		}
	}
	return time.Hour
}

// collect takes requests that have arrived. Those for which there is no room are refused.
func (s *Spool) collect() (requests []*Request, closed bool) {
	room := s.log.Room() // not under s.mu: the log may be waiting for the disk
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, tooLarge := s.waiting.take(min(maxGroupItems, s.settings.MaxRows), maxGroupBytes, room)
	for _, r := range tooLarge {
		r.answer <- ErrFull // of one place: nobody is waited for
	}
	if now := s.settings.Clock(); len(tooLarge) > 0 && now.Sub(s.warned) > warnEvery {
		s.warned = now
		s.logger.Warn("The log has too little room for some requests, which are refused until ClickHouse takes what it holds.", zap.Int64("room", room))
	}
	return requests, s.closed
}

// writeGroup encodes the requests, makes them durable and answers them.
func (s *Spool) writeGroup(requests []*Request) {
	if len(requests) == 0 {
		return
	}
	now := s.settings.Clock()
	if now.Before(s.full) {
		for _, r := range requests {
			r.answer <- ErrFull
		}
		return
	}
	encoder := s.current()
	g := group{batch: s.open.ID, number: s.open.groups, first: s.open.requests, at: now.Truncate(time.Millisecond)} // as it will be read
	kept := requests[:0]
	for _, r := range requests {
		if err := r.Context.Err(); err != nil {
			r.answer <- err
		} else if err := r.Add(encoder); err != nil {
			r.answer <- err
		} else {
			r.marks = encoder.AppendMarks(nil)
			g.entries = append(g.entries, r.Entry)
			r.kept = g.answered(len(kept))
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return
	}
	s.record = encoder.AppendGrowth(g.append(s.record[:0]))
	s.keepAndAnswer(&g, kept)
}

// keep makes the record of a group durable.
func (s *Spool) keep(g *group) error {
	from, to, err := s.appendGroup()
	if err == nil {
		_, err = s.log.Sync()
	}
	switch {
	case errors.Is(err, wal.ErrFull):
		s.logger.Warn("The log has no room; requests are refused until ClickHouse takes what it holds.", zap.Error(err))
		s.full = s.settings.Clock().Add(retryWrite)
		return ErrFull
	case err != nil:
		s.logger.Error("The log cannot be written; requests are refused.", zap.Error(err))
		return ErrFailed
	}
	used := s.log.Size() // not under s.mu: the log may be waiting for the disk
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = used
	for owner, n := range s.open.bytes {
		s.held[owner] -= n
	}
	s.open.grow(g, from, to)
	for owner, n := range s.open.bytes {
		s.held[owner] += n
	}
	s.state.accept(g)
	s.hasPoint = true
	return nil
}

// appendGroup writes the group. A log begins with a checkpoint, for the secret of
// the receipts is in it.
func (s *Spool) appendGroup() (from, to wal.Position, err error) {
	if !s.hasPoint {
		if _, _, err = s.log.Append(kindCheckpoint, s.state.append(nil)); err != nil {
			return 0, 0, err
		}
	}
	return s.log.Append(kindGroup, s.record)
}

// giveUp ends the open batch at its last durable group. Its memory has more than
// that, and goes.
func (s *Spool) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retire(s.open)
	if s.open.groups > 0 {
		s.unseal = append(s.unseal, s.open)
	} else {
		delete(s.batches, s.open)
	}
	s.open = nil
}

// current is the encoder of the open batch, which is begun if there is none.
func (s *Spool) current() *encode.Encoder {
	if s.open != nil {
		return s.open.encoder
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number = max(s.number+1, FirstNumber(s.settings.Clock()))
	var encoder *encode.Encoder
	if n := len(s.idle); n > 0 {
		encoder, s.idle = s.idle[n-1], s.idle[:n-1]
	} else {
		encoder = s.settings.NewEncoder()
	}
	encoder.Reset(s.number)
	s.open = newBatch(ID{Writer: s.writer, Number: s.number}, s.log)
	s.open.encoder = encoder
	s.opened = s.settings.Clock()
	s.batches[s.open] = struct{}{}
	s.resident++
	return encoder
}

// FirstNumber numbers batches by milliseconds since 2020, so that they grow when a
// log, or a process without one, begins anew; there are fewer than 1,000 a second.
func FirstNumber(now time.Time) uint64 {
	return uint64(now.Sub(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds())
}
