package insertion

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
)

// Bytes is the body of an insert that is in memory.
type Bytes []byte

// WriteTo writes all of it.
func (b Bytes) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b)
	return int64(n), err
}

// stream gives a body to a reader. net/http has it written straight to the connection,
// by WriteTo; for others it is made in memory.
type stream struct {
	body  io.WriterTo
	made  *bytes.Buffer
	using sync.Mutex
	over  atomic.Bool
}

// end takes the body back. A server may answer before it has read all, and then the
// connection is still written to for a moment.
func (s *stream) end() {
	s.over.Store(true)
	s.using.Lock()
	defer s.using.Unlock()
	s.body = nil
}

func (s *stream) WriteTo(w io.Writer) (int64, error) {
	s.using.Lock()
	defer s.using.Unlock()
	if s.over.Load() {
		return 0, io.ErrClosedPipe
	}
	return s.body.WriteTo(stoppable{w, &s.over})
}

func (s *stream) Read(p []byte) (int, error) {
	if s.made == nil {
		s.made = &bytes.Buffer{}
		if _, err := s.WriteTo(s.made); err != nil {
			return 0, err
		}
	}
	return s.made.Read(p)
}

type stoppable struct {
	to   io.Writer
	over *atomic.Bool
}

func (s stoppable) Write(p []byte) (int, error) {
	if s.over.Load() {
		return 0, io.ErrClosedPipe
	}
	return s.to.Write(p)
}
