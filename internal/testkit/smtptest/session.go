package smtptest

import (
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one connection.
type session struct {
	sink     *Sink
	conn     *smtp.Conn
	username string
	from     string
	to       []string
}

// newSession is called at each EHLO; STARTTLS ends the session before.
func (s *Sink) newSession(conn *smtp.Conn) (smtp.Session, error) {
	s.change(func() {
		s.sessions++
		s.peak = max(s.peak, s.sessions)
	})
	return &session{sink: s, conn: conn}, nil
}

// AuthMechanisms are what EHLO offers.
func (s *session) AuthMechanisms() []string {
	if s.sink.username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth proves the user.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.sink.username || password != s.sink.password {
			return smtp.ErrAuthFailed
		}
		s.username = username
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.username != s.username {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "authentication required"}
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.sink.pass(Recipient)
	s.sink.mu.Lock()
	code := s.sink.refused[to]
	s.sink.mu.Unlock()
	if code != 0 {
		return refusal(code)
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.sink.pass(Letter)
	message, err := parse(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	_, message.TLS = s.conn.TLSConnectionState()
	message.Username, message.From, message.To = s.username, s.from, s.to
	s.sink.mu.Lock()
	code := s.sink.refusal
	s.sink.mu.Unlock()
	if code != 0 {
		return refusal(code)
	}
	s.sink.change(func() { s.sink.messages = append(s.sink.messages, message) })
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error {
	s.sink.change(func() { s.sink.sessions-- })
	return nil
}
