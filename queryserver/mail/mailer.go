package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// SMTP is the mailer of an installation with a mail server. It may be used in parallel.
type SMTP struct {
	settings  Settings
	tls       *tls.Config
	templates templates
	slots     chan struct{} // one for each letter under way
}

// New makes the mailer that the settings describe: an *SMTP, or Disabled when they name
// no host. It connects when a letter is sent, so that a program starts while the mail
// server is down.
func New(settings Settings, log *slog.Logger) (queryserver.Mailer, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if settings.Host == "" {
		return Disabled{}, nil
	}
	parsed, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	config, err := settings.tlsConfig()
	if err != nil {
		return nil, err
	}
	if settings.Insecure {
		log.Warn("letters, with the links in them, are readable on their way to the mail server", "setting", "mail::insecure", "host", settings.Host)
	}
	if settings.Now == nil {
		settings.Now = time.Now
	}
	return &SMTP{settings: settings, tls: config, templates: parsed, slots: make(chan struct{}, settings.MaxConnections)}, nil
}

// Send returns when the mail server has taken the letter. The recipient is one bare
// address. Errors are *queryserver.Error: Invalid when the address is none or the server
// refuses it for good, Unavailable when a later try may succeed, Internal when the server
// refuses the letter for good or the letter itself is faulty. After an Unavailable the
// server may have taken the letter and its answer may have been lost.
func (m *SMTP) Send(ctx context.Context, to string, letter queryserver.Letter) error {
	if !isAddress(to) {
		return queryserver.Errorf(queryserver.Invalid, "not an e-mail address")
	}
	words, err := m.templates.render(letter)
	if err != nil {
		return &queryserver.Error{Code: queryserver.Internal, Message: "the letter could not be written", Cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, m.settings.Timeout)
	defer cancel()
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return unavailable(fmt.Errorf("wait for one of %d connections (mail::max_connections): %w", m.settings.MaxConnections, context.Cause(ctx)))
	}
	return m.deliver(ctx, to, m.compose(to, words))
}

// compose makes the message: multipart/alternative, from a program (RFC 3834 5), to one
// recipient. Its id is random and says nothing of this machine.
func (m *SMTP) compose(to string, words content) *gomail.Msg {
	_, domain, _ := strings.Cut(m.settings.From, "@")
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.settings.sender())
	message.ToMailAddress(&netmail.Address{Address: to})
	message.Subject(words.subject)
	message.SetDateWithValue(m.settings.Now().UTC())
	message.SetMessageIDWithValue(rand.Text() + "@" + domain)
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All") // Exchange knows only this
	message.SetBodyString(gomail.TypeTextPlain, words.text)
	message.AddAlternativeString(gomail.TypeTextHTML, words.html)
	return message
}
