package spool

import (
	"go.uber.org/zap"
)

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
	commits, err := s.noteCommits(committed)
	if err != nil {
		s.logger.Warn("It cannot be written that a batch is stored; it will be tried again.", zap.Error(err))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.committed = append(committed, s.committed...)
		return
	}
	s.mu.Lock()
	for i, b := range committed {
		delete(s.batches, b)
		s.state.commit(commits[i])
		for owner, n := range b.bytes {
			if s.held[owner] -= n; s.held[owner] <= 0 {
				delete(s.held, owner)
			}
		}
	}
	s.mu.Unlock()
	s.release()
}

func (s *Spool) noteCommits(committed []*Batch) ([]commit, error) {
	commits := make([]commit, len(committed))
	for i, b := range committed {
		commits[i] = b.outcome(s.settings.Clock())
		if _, _, err := s.log.AppendControl(kindCommit, commits[i].append(s.record[:0])); err != nil {
			return nil, err
		}
	}
	_, err := s.log.Sync()
	return commits, err
}

// release removes from the log what no batch needs. What it removes is in a
// checkpoint before.
func (s *Spool) release() {
	before := s.log.End()
	s.mu.Lock()
	for b := range s.batches {
		if b.groups > 0 {
			before = min(before, b.from)
		}
	}
	s.mu.Unlock()
	if !s.log.Releases(before) {
		return
	}
	if err := s.writeCheckpoint(); err != nil {
		s.logger.Warn("The log cannot be summed up yet, and is not shortened.", zap.Error(err))
		return
	}
	if err := s.log.Release(before); err != nil {
		s.logger.Warn("What the log no longer needs cannot be removed.", zap.Error(err))
	}
	used := s.log.Size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = used
}

// writeCheckpoint writes the state down. Whoever else notes what changes it holds
// s.mu meanwhile.
func (s *Spool) writeCheckpoint() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.expire(s.settings.Clock(), lifetimes{s.settings.RepeatWindow, s.settings.StoredLife, s.settings.DeadLife})
	_, _, err := s.log.AppendControl(kindCheckpoint, s.state.append(nil))
	if err == nil {
		_, err = s.log.Sync()
	}
	if err != nil {
		return err
	}
	s.hasPoint = true
	return nil
}
