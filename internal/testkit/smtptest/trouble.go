package smtptest

import (
	"net"
	"testing"

	"github.com/emersion/go-smtp"
)

// Stage is a moment at which the server can hang.
type Stage string

// The stages.
const (
	Greeting  Stage = "greeting"  // after the connection, before the first word
	Recipient Stage = "recipient" // before the answer to RCPT
	Letter    Stage = "letter"    // before the answer to DATA's end; the letter is not kept until then
)

// Refuse makes the server answer a recipient with a code, such as 450 or 550.
func (s *Sink) Refuse(address string, code int) { s.change(func() { s.refused[address] = code }) }

// RefuseLetters makes the server answer every letter, at its end, with a code.
func (s *Sink) RefuseLetters(code int) { s.change(func() { s.refusal = code }) }

// Hang makes sessions wait at a stage until Release or the test's end.
func (s *Sink) Hang(stage Stage) { s.change(func() { s.gates[stage] = make(chan struct{}) }) }

// Release lets the sessions at a stage go on.
func (s *Sink) Release(stage Stage) {
	s.change(func() {
		close(s.gates[stage])
		delete(s.gates, stage)
	})
}

// AwaitHanging waits until so many sessions wait at a stage.
func (s *Sink) AwaitHanging(t testing.TB, stage Stage, sessions int) {
	t.Helper()
	s.await(t, "a session at its "+string(stage), func() bool { return s.hanging[stage] >= sessions })
}

// pass waits at a stage while the test wants it.
func (s *Sink) pass(stage Stage) {
	s.mu.Lock()
	gate := s.gates[stage]
	s.mu.Unlock()
	if gate == nil {
		return
	}
	s.change(func() { s.hanging[stage]++ })
	select {
	case <-gate:
	case <-s.done:
	}
	s.change(func() { s.hanging[stage]-- })
}

// gatedListener hangs before the greeting.
type gatedListener struct {
	net.Listener
	sink *Sink
}

func (l gatedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.sink.pass(Greeting)
	}
	return conn, err
}

func refusal(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "refused by the test"}
}
