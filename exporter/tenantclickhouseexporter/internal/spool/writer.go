package spool

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// retryWrite is how long to wait before a record that must be written is tried again.
const retryWrite = 200 * time.Millisecond

// write is the only goroutine that writes to the log.
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

// collect takes the requests that have arrived, as many as a batch may have rows.
func (s *Spool) collect() (requests []*Request, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, items := 0, 0
	for n < len(s.waiting) && (n == 0 || items < s.settings.MaxRows) {
		items += s.waiting[n].Items.Total()
		s.bytes -= s.waiting[n].Bytes
		n++
	}
	requests = slices.Clone(s.waiting[:n])
	s.waiting = slices.Delete(s.waiting, 0, n)
	return requests, s.closed
}

// writeGroup encodes the requests, makes them durable and answers them.
func (s *Spool) writeGroup(requests []*Request) {
	if len(requests) == 0 {
		return
	}
	if s.settings.Clock().Before(s.full) {
		for _, r := range requests {
			r.answer <- ErrFull
		}
		return
	}
	encoder := s.current()
	g := group{batch: s.open.ID, number: s.open.groups}
	kept := requests[:0]
	for _, r := range requests {
		if err := r.Context.Err(); err != nil {
			r.answer <- err
		} else if err := r.Add(encoder); err != nil {
			r.answer <- err
		} else {
			g.items.add(r.Items)
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return
	}
	s.record = encoder.AppendGrowth(g.append(s.record[:0]))
	err := s.keep(g)
	if err != nil {
		s.giveUp()
	}
	for _, r := range kept {
		r.answer <- err
	}
}

// keep makes the record of a group durable.
func (s *Spool) keep(g group) error {
	from, to, err := s.log.Append(kindGroup, s.record)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.grow(g, from, to)
	return nil
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
	s.number = max(s.number+1, firstNumber(s.settings.Clock()))
	s.mu.Lock()
	defer s.mu.Unlock()
	var encoder *encode.Encoder
	if n := len(s.idle); n > 0 {
		encoder, s.idle = s.idle[n-1], s.idle[:n-1]
	} else {
		encoder = s.settings.NewEncoder()
	}
	encoder.Reset(s.number)
	s.open = &Batch{ID: ID{Writer: s.writer, Number: s.number}, encoder: encoder, log: s.log}
	s.opened = s.settings.Clock()
	s.batches[s.open] = struct{}{}
	s.resident++
	return encoder
}

// firstNumber numbers batches by milliseconds since 2020, so that they grow when a
// log begins anew; there are fewer than 1,000 a second.
func firstNumber(now time.Time) uint64 {
	return uint64(now.Sub(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds())
}

// sealWhenDue ends the open batch when it is full, or old enough and a sender waits.
func (s *Spool) sealWhenDue() {
	if s.open == nil || s.open.groups == 0 {
		return
	}
	rows, bytes := 0, 0
	for _, b := range s.open.encoder.Blocks() {
		rows = max(rows, b.Rows())
		bytes += b.Size()
	}
	s.mu.Lock()
	wanted := s.hungry > 0 && len(s.sealed) == 0
	draining := s.drained != nil
	s.mu.Unlock()
	due := draining || wanted && s.settings.Clock().Sub(s.opened) >= s.settings.MaxAge
	if rows >= s.settings.MaxRows || bytes >= s.settings.MaxBytes || due {
		s.unseal = append(s.unseal, s.open)
		s.open = nil
	}
}

// writeSeals fixes the batches that have ended, and gives them to the senders.
func (s *Spool) writeSeals() {
	if len(s.unseal) == 0 {
		return
	}
	for _, b := range s.unseal {
		if _, _, err := s.log.AppendControl(kindSeal, binary.AppendUvarint(appendID(s.record[:0], b.ID), b.groups)); err != nil {
			s.logger.Warn("The end of a batch cannot be written yet; the batch waits.", zap.Error(err))
			return
		}
	}
	if _, err := s.log.Sync(); err != nil {
		s.logger.Warn("The end of a batch cannot be written yet; the batch waits.", zap.Error(err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.unseal {
		if b.encoder != nil && s.resident > s.settings.InMemory {
			s.retire(b)
		}
		s.sealed = append(s.sealed, b)
	}
	s.unseal = s.unseal[:0]
	s.notify(s.ready)
}

// writeCommits notes which batches are stored, and removes from the log what is
// before all others. The notes are durable first: a batch of which a part is
// removed must never be sent again.
func (s *Spool) writeCommits() {
	s.mu.Lock()
	committed := s.committed
	s.committed = nil
	s.mu.Unlock()
	if len(committed) == 0 {
		return
	}
	if err := s.noteCommits(committed); err != nil {
		s.logger.Warn("It cannot be written that a batch is stored; it will be tried again.", zap.Error(err))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.committed = append(s.committed, committed...)
		return
	}
	s.mu.Lock()
	for _, b := range committed {
		delete(s.batches, b)
	}
	before := s.log.End()
	for b := range s.batches {
		if b.groups > 0 {
			before = min(before, b.from)
		}
	}
	s.mu.Unlock()
	if err := s.log.Release(before); err != nil {
		s.logger.Warn("What the log no longer needs cannot be removed.", zap.Error(err))
	}
}

func (s *Spool) noteCommits(committed []*Batch) error {
	for _, b := range committed {
		if _, _, err := s.log.AppendControl(kindCommit, appendID(s.record[:0], b.ID)); err != nil {
			return err
		}
	}
	_, err := s.log.Sync()
	return err
}
