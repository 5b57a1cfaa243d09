package spool

import (
	"encoding/binary"

	"go.uber.org/zap"
)

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
	if err := s.noteSeals(); err != nil {
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

func (s *Spool) noteSeals() error {
	s.mu.Lock()
	parts := s.parts
	s.mu.Unlock()
	for _, b := range s.unseal {
		if !b.Recovered { // else, when the log is a copy, the original has perhaps sent more of the batch
			b.parts = parts
		}
		record := binary.AppendUvarint(binary.AppendUvarint(appendID(s.record[:0], b.ID), b.groups), b.parts)
		if _, _, err := s.log.AppendControl(kindSeal, record); err != nil {
			return err
		}
	}
	_, err := s.log.Sync()
	return err
}
