package mail

import (
	"encoding/base64"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestSend_TLSModes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options  []smtptest.Option
		mode     TLSMode
		tls      bool
		username string
	}{
		"starttls":           {nil, StartTLS, true, ""},
		"implicit":           {[]smtptest.Option{smtptest.ImplicitTLS()}, Implicit, true, ""},
		"none":               {[]smtptest.Option{smtptest.NoTLS()}, NoTLS, false, ""},
		"none, but offered":  {nil, NoTLS, false, ""},
		"starttls, by login": {[]smtptest.Option{smtptest.Login("ada", secret)}, StartTLS, true, "ada"},
		"implicit, by login": {[]smtptest.Option{smtptest.ImplicitTLS(), smtptest.Login("ada", secret)}, Implicit, true, "ada"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := smtptest.Start(t, c.options...)
			settings := settingsFor(sink)
			settings.TLS = c.mode
			if c.username != "" {
				settings.Username, settings.Password = c.username, secret
			}
			require.NoError(t, newMailer(t, settings).Send(t.Context(), ada, reset))
			arrived := sink.Await(t, ada)
			require.Equal(t, c.tls, arrived.TLS)
			require.Equal(t, c.username, arrived.Username)
			require.Equal(t, reset.Link, arrived.Link(t))
		})
	}
}

// ASVS 12.3.1: who lacks STARTTLS, or had it cut out on the way, gets neither a letter nor
// a password, even when it asks for one in plain text.
func TestSend_NeverAuthenticatesWithoutTLS_ASVS_12_3_1(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t, smtptest.NoTLS(), smtptest.Login("ada", secret))
	settings := settingsFor(sink)
	settings.Username, settings.Password = "ada", secret
	err := requireCode(t, queryserver.Unavailable, newMailer(t, settings).Send(t.Context(), ada, reset))
	require.ErrorContains(t, err, "does not support STARTTLS")
	require.NotContains(t, err.Error(), secret)

	heard := sink.Transcript()
	require.Contains(t, heard, "250-AUTH PLAIN\r\n", "it was asked for")
	require.Contains(t, heard, "EHLO telemetry.example.com\r\n")
	require.NotContains(t, heard, "\nAUTH")
	require.NotContains(t, heard, secret)
	require.NotContains(t, heard, base64.StdEncoding.EncodeToString([]byte("\x00ada\x00"+secret)))
	require.NotContains(t, heard, "MAIL FROM")
	require.NotContains(t, heard, ada)

	settings.TLS = NoTLS
	_, refused := New(settings, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, refused, "`username` must not be set beside `tls` none")
	settings.Insecure = true
	_, refused = New(settings, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, refused, "`username` must not be set beside `tls` none", "nor can it be forced")
}

// ASVS 12.3.2: a certificate by an unknown authority, or for another name, is refused, and
// nothing is said to its owner.
func TestSend_RefusesWrongCertificates_ASVS_12_3_2(t *testing.T) {
	t.Parallel()
	another := smtptest.Start(t)
	for name, options := range map[string][]smtptest.Option{
		"starttls": {smtptest.Login("ada", secret)},
		"implicit": {smtptest.Login("ada", secret), smtptest.ImplicitTLS()},
	} {
		for fault, prepare := range map[string]func(*Settings){
			"the system's authorities": func(s *Settings) { s.CAFile = "" },
			"another authority":        func(s *Settings) { s.CAFile = another.CAFile },
			"another name":             nil,
		} {
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				chosen := options
				if prepare == nil {
					chosen = append(chosen[:len(chosen):len(chosen)], smtptest.Names("127.0.0.2", "mail.example.com"))
				}
				sink := smtptest.Start(t, chosen...)
				settings := settingsFor(sink)
				settings.TLS, settings.Username, settings.Password = TLSMode(name), "ada", secret
				if prepare != nil {
					prepare(&settings)
				}
				err := requireCode(t, queryserver.Unavailable, newMailer(t, settings).Send(t.Context(), ada, reset))
				require.ErrorContains(t, err, "certificate")
				require.NotContains(t, sink.Transcript(), "\nAUTH")
				require.NotContains(t, sink.Transcript(), "MAIL FROM")
			})
		}
	}
}

func TestSend_WrongPassword(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t, smtptest.Login("ada", "another "+secret))
	settings := settingsFor(sink)
	settings.Username, settings.Password = "ada", secret
	err := requireCode(t, queryserver.Unavailable, newMailer(t, settings).Send(t.Context(), ada, reset))
	require.ErrorContains(t, err, "535")
	require.NotContains(t, err.Error(), secret)
	require.Empty(t, sink.Messages(ada))
}
