package smtptest

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// awaitTimeout is how long a test waits for what has to come, on a busy machine.
const awaitTimeout = 30 * time.Second

// Sink is a mail server for one test.
type Sink struct {
	Host   string // 127.0.0.1
	Port   int
	CAFile string // PEM of the authority that vouches for the server

	username, password string // that are asked for; empty: no login
	done               chan struct{}
	transcript         transcript

	mu       sync.Mutex // guards the rest
	changed  chan struct{}
	messages []Message
	taken    map[string]int
	refused  map[string]int // recipient to code
	refusal  int            // of letters
	gates    map[Stage]chan struct{}
	hanging  map[Stage]int
	sessions int
	peak     int
}

// Start starts a mail server that ends with the test.
func Start(t testing.TB, opts ...Option) *Sink {
	t.Helper()
	o := options{names: []string{"127.0.0.1", "localhost"}}
	for _, option := range opts {
		option(&o)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().(*net.TCPAddr)
	sink := &Sink{
		Host: address.IP.String(), Port: address.Port,
		username: o.username, password: o.password,
		done: make(chan struct{}), changed: make(chan struct{}),
		taken: make(map[string]int), refused: make(map[string]int),
		gates: make(map[Stage]chan struct{}), hanging: make(map[Stage]int),
	}
	var config *tls.Config
	config, sink.CAFile = certify(t, o.names)
	server := smtp.NewServer(smtp.BackendFunc(sink.newSession))
	server.Domain, server.ErrorLog, server.Debug = "sink.example", quiet{}, &sink.transcript
	server.AllowInsecureAuth, server.EnableSMTPUTF8 = true, o.utf8 // to be careful is the client's duty
	listener = gatedListener{listener, sink}
	switch o.tls {
	case startTLS:
		server.TLSConfig = config
	case implicitTLS:
		listener = tls.NewListener(listener, config)
	}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { close(sink.done); _ = server.Close(); served.Wait() })
	return sink
}

// Await returns the next letter to an address, in the order of arrival: each once.
func (s *Sink) Await(t testing.TB, address string) Message {
	t.Helper()
	var found Message
	s.await(t, "a letter to "+address, func() bool {
		letters := s.to(address)
		next := s.taken[strings.ToLower(address)]
		if next >= len(letters) {
			return false
		}
		s.taken[strings.ToLower(address)]++
		found = letters[next]
		return true
	})
	return found
}

// Messages are all letters to an address so far, in the order of arrival.
func (s *Sink) Messages(address string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to(address)
}

func (s *Sink) to(address string) []Message {
	var letters []Message
	for _, message := range s.messages {
		for _, recipient := range message.To {
			if strings.EqualFold(recipient, address) {
				letters = append(letters, message)
				break
			}
		}
	}
	return letters
}

// Transcript is all that was said so far, by both sides, decrypted.
func (s *Sink) Transcript() string { return s.transcript.String() }

// Peak is the highest number of sessions at the same time so far. A session may end a
// moment after its client has heard the answer to QUIT.
func (s *Sink) Peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// await waits until a condition holds, which is asked whenever something has changed,
// with the mutex held.
func (s *Sink) await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(awaitTimeout)
	for {
		s.mu.Lock()
		done, changed := holds(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			require.FailNow(t, what+" did not come", "of what was said:\n%s", s.Transcript())
		}
	}
}

// change does something that others may wait for.
func (s *Sink) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}
