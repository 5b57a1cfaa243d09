package mail

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	ada    = "ada@example.com"
	secret = "correct horse battery staple"
)

var (
	noon   = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.FixedZone("CET", 3600)) // 11:00 UTC
	laptop = queryserver.Client{
		IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		RequestID: "req-1",
	}
	reset = queryserver.ResetLetter{Link: "https://telemetry.example.com/reset?token=abc", Expires: noon.Add(time.Hour), Client: laptop}
)

// letters are one of each kind.
func letters() map[string]queryserver.Letter {
	return map[string]queryserver.Letter{
		"invitation": queryserver.InvitationLetter{
			Organization: "Köhler & Söhne", Inviter: "Grace Hopper", Link: "https://telemetry.example.com/invitations/accept?token=Zm9vYmFyYmF6cXV4&o=7#top",
			Expires: noon.Add(72 * time.Hour),
		},
		"reset":      reset,
		"locked":     queryserver.LockedLetter{Until: noon.Add(15 * time.Minute), Client: laptop},
		"newdevice":  queryserver.NewDeviceLetter{At: noon, Client: laptop},
		"credential": queryserver.CredentialLetter{Changed: "your password", At: noon, Client: laptop},
		"link": queryserver.LinkLetter{
			Provider: "Example Corp.", Link: "https://telemetry.example.com/login/link#tfe_abc", Expires: noon.Add(time.Hour), Client: laptop,
		},
		"key": queryserver.KeyLetter{
			Organization: "Acme", Name: "CI", ID: "tfk_00112233445566778899aabbccddeeff", Maker: "grace@example.com", At: noon,
		},
	}
}

// settingsFor are those of an installation that uses the sink as it is by default.
func settingsFor(sink *smtptest.Sink) Settings {
	settings := DefaultSettings()
	settings.Host, settings.Port, settings.CAFile = sink.Host, sink.Port, sink.CAFile
	settings.From = "telemetryflow@telemetry.example.com"
	settings.HelloName = "telemetry.example.com"
	settings.Timeout = 30 * time.Second
	settings.Now = func() time.Time { return noon }
	return settings
}

func newMailer(t *testing.T, settings Settings) *SMTP {
	t.Helper()
	mailer, err := New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.IsType(t, (*SMTP)(nil), mailer)
	return mailer.(*SMTP)
}

// requireCode wants an error of a kind whose message is for the caller and has no cause
// in it.
func requireCode(t *testing.T, code queryserver.Code, err error) *queryserver.Error {
	t.Helper()
	var e *queryserver.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", err)
	if e.Cause != nil {
		require.NotContains(t, e.Message, e.Cause.Error())
	}
	return e
}
