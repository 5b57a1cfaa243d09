//go:build !knownbad_ackfirst

package spool

// keepAndAnswer answers the requests of a group when it is durable, or cannot be.
func (s *Spool) keepAndAnswer(g *group, requests []*Request) {
	err := s.keep(g)
	if err != nil {
		s.giveUp()
	}
	for _, r := range requests {
		r.answer <- err
	}
}
