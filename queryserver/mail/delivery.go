package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// quitTimeout bounds the farewell: the letter is delivered by then.
	quitTimeout = time.Second
	// retryAfter is the time that grey-listing servers want to see pass.
	retryAfter = time.Minute
)

// deliver hands one message to the mail server, over a connection of its own. Letters
// are rare, and a connection kept open would be found dead when one comes.
func (m *SMTP) deliver(ctx context.Context, to string, message *gomail.Msg) error {
	var conn net.Conn
	defer func() {
		if conn != nil {
			conn.Close() // before another takes its place; the library leaves it open after most errors
		}
	}()
	// The context given to the dial function ends with the dialling; this one stays.
	dial := func(dialing context.Context, _, _ string) (net.Conn, error) {
		opened, err := m.dial(dialing)
		if err != nil {
			return nil, err
		}
		conn = opened
		context.AfterFunc(ctx, func() { opened.Close() })
		return m.protect(dialing, opened)
	}
	client, err := gomail.NewClient(m.settings.Host, m.options(dial, isASCII(to))...)
	if err != nil {
		return unavailable(fmt.Errorf("prepare the SMTP client: %w", err))
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return unavailable(because(ctx, fmt.Errorf("connect to the mail server: %w", err)))
	}
	if international, _ := session.Extension("SMTPUTF8"); !international && !isASCII(to) {
		return queryserver.Errorf(queryserver.Invalid, "the mail server knows no addresses with such letters")
	}
	if err := client.SendWithSMTPClient(session, message); err != nil {
		return refusal(because(ctx, fmt.Errorf("send the letter: %w", err)))
	}
	_ = session.UpdateDeadline(quitTimeout)
	_ = session.Quit() // the letter is delivered, whatever becomes of this
	return nil
}

// options are those of one delivery. NOOP before and RSET after a single message would
// only be more that can fail.
func (m *SMTP) options(dial gomail.DialContextFunc, ascii bool) []gomail.Option {
	options := []gomail.Option{
		gomail.WithDialContextFunc(dial), gomail.WithTimeout(m.settings.Timeout), gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithTLSConfig(m.tls),
	}
	switch m.settings.TLS {
	case Implicit:
		options = append(options, gomail.WithSSL())
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if m.settings.HelloName != "" {
		options = append(options, gomail.WithHELO(m.settings.HelloName))
	}
	if ascii { // servers further on may not know the extension, and need not
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	if m.settings.Username != "" {
		options = append(options, gomail.WithUsername(m.settings.Username), gomail.WithPassword(string(m.settings.Password)),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

func (m *SMTP) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(m.settings.Host, strconv.Itoa(m.settings.port())))
}

// protect begins TLS where it comes before SMTP.
func (m *SMTP) protect(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if m.settings.TLS != Implicit {
		return conn, nil
	}
	protected := tls.Client(conn, m.tls)
	return protected, protected.HandshakeContext(ctx)
}

// tlsConfig verifies the server's certificate and name (ASVS 12.3.1, 12.3.2).
func (s Settings) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if s.CAFile == "" {
		return config, nil
	}
	certificates, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("`ca_file`: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(certificates) {
		return nil, fmt.Errorf("`ca_file`: %s holds no certificate in PEM", s.CAFile)
	}
	return config, nil
}

// because adds why the context ended to an error that only says that the connection is
// closed.
func because(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// refusal tells a recipient from a letter that is refused for good (5xx, RFC 5321
// 4.2.1), and both from what may pass.
func refusal(err error) *queryserver.Error {
	var answer *gomail.SendError
	switch {
	case !errors.As(err, &answer) || answer.ErrorCode() < 500:
		return unavailable(err)
	case answer.Reason == gomail.ErrSMTPRcptTo:
		return &queryserver.Error{Code: queryserver.Invalid, Message: "the mail server refuses this address", Cause: err}
	default:
		return &queryserver.Error{Code: queryserver.Internal, Message: "the mail server refuses the letter", Cause: err}
	}
}

func unavailable(err error) *queryserver.Error {
	return &queryserver.Error{
		Code: queryserver.Unavailable, Message: "e-mail cannot be sent at the moment", RetryAfter: retryAfter, Cause: err,
	}
}
