//go:build knownbad_ackfirst

package spool

// keepAndAnswer is wrong on purpose: make chaos must notice.
func (s *Spool) keepAndAnswer(g *group, requests []*Request) {
	for _, r := range requests {
		r.answer <- nil
	}
	if err := s.keep(g); err != nil {
		s.giveUp()
	}
}
