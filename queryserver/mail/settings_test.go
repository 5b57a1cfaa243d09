package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func valid() Settings {
	settings := DefaultSettings()
	settings.Host, settings.From = "smtp.example.com", "telemetryflow@example.com"
	return settings
}

func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultSettings().Validate())
	for name, change := range map[string]func(*Settings){
		"defaults":             func(*Settings) {},
		"implicit":             func(s *Settings) { s.TLS = Implicit },
		"login":                func(s *Settings) { s.Username, s.Password = "u", "p" },
		"plain to this host":   func(s *Settings) { s.TLS, s.Host = NoTLS, "localhost" },
		"plain to loopback":    func(s *Settings) { s.TLS, s.Host = NoTLS, "127.0.0.1" },
		"plain to loopback v6": func(s *Settings) { s.TLS, s.Host = NoTLS, "::1" },
		"plain by force":       func(s *Settings) { s.TLS, s.Insecure = NoTLS, true },
		"no name":              func(s *Settings) { s.FromName = "" },
		"address literal":      func(s *Settings) { s.HelloName = "[192.0.2.1]" },
	} {
		settings := valid()
		change(&settings)
		require.NoError(t, settings.Validate(), name)
	}
	for _, c := range []struct {
		key    string
		change func(*Settings)
	}{
		{"host", func(s *Settings) { s.Host = "" }},
		{"host", func(s *Settings) { s.Host = "smtp.example.com:587" }},
		{"host", func(s *Settings) { s.Host = "unix:///run/smtp" }},
		{"host", func(s *Settings) { s.Host = "smtp.example.com\r\n" }},
		{"port", func(s *Settings) { s.Port = -1 }},
		{"port", func(s *Settings) { s.Port = 65536 }},
		{"tls", func(s *Settings) { s.TLS = "opportunistic" }},
		{"tls", func(s *Settings) { s.TLS = "" }},
		{"tls", func(s *Settings) { s.TLS = NoTLS }},
		{"tls", func(s *Settings) { s.TLS, s.Host = NoTLS, "localhost.example.com" }},
		{"insecure", func(s *Settings) { s.Insecure = true }},
		{"username", func(s *Settings) { s.Password = "p" }},
		{"username", func(s *Settings) { s.TLS, s.Host, s.Username, s.Password = NoTLS, "localhost", "u", "p" }},
		{"password", func(s *Settings) { s.Username = "u" }},
		{"from", func(s *Settings) { s.From = "" }},
		{"from", func(s *Settings) { s.From = "TelemetryFlow <t@example.com>" }},
		{"from", func(s *Settings) { s.From = "t@example.com\r\nBcc: eve@example.com" }},
		{"from_name", func(s *Settings) { s.FromName = "T\r\nBcc: eve@example.com" }},
		{"hello_name", func(s *Settings) { s.HelloName = "a b" }},
		{"hello_name", func(s *Settings) { s.HelloName = "a\r\nMAIL FROM:<eve@example.com>" }},
		{"timeout", func(s *Settings) { s.Timeout = 0 }},
		{"max_connections", func(s *Settings) { s.MaxConnections = 0 }},
	} {
		settings := valid()
		c.change(&settings)
		err := settings.Validate()
		require.Error(t, err, c.key)
		require.True(t, strings.HasPrefix(err.Error(), "`"+c.key+"`"), "%s: %v", c.key, err)
		_, err = New(settings, slog.New(slog.DiscardHandler))
		require.Error(t, err)
	}
	settings := valid()
	settings.Timeout, settings.MaxConnections = 0, -1
	require.ErrorContains(t, settings.Validate(), "`timeout`")
	require.ErrorContains(t, settings.Validate(), "`max_connections`", "all faults at once")
}

func TestSettings_Keys(t *testing.T) {
	t.Parallel()
	settings := DefaultSettings()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"host": "smtp.example.com", "port": 465, "tls": "implicit", "insecure": false, "ca_file": "/ca.pem", "username": "u", "password": "p",
		"from": "t@example.com", "from_name": "T", "hello_name": "h.example.com", "timeout": "5s", "max_connections": 2,
	}).Unmarshal(&settings))
	require.NoError(t, settings.Validate())
	require.Equal(t, Settings{
		Host: "smtp.example.com", Port: 465, TLS: Implicit, CAFile: "/ca.pem", Username: "u", Password: "p",
		From: "t@example.com", FromName: "T", HelloName: "h.example.com", Timeout: 5 * time.Second, MaxConnections: 2,
	}, settings)
	for mode, port := range map[TLSMode]int{StartTLS: 587, Implicit: 465, NoTLS: 25} {
		require.Equal(t, port, Settings{TLS: mode}.port())
	}
}

// ASVS 16.2.5: the password is in nothing that is printed.
func TestSettings_HideThePassword_ASVS_16_2_5(t *testing.T) {
	t.Parallel()
	settings := valid()
	settings.Username, settings.Password, settings.From = "ada", secret, "wrong"
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("settings", "mail", settings)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("settings", "password", settings.Password)
	settings.Now = nil
	fmt.Fprintf(&logged, "%v %+v %#v %s", settings, settings, settings, settings.Password)
	encoded, err := json.Marshal(settings.Password)
	require.NoError(t, err)
	require.NotContains(t, logged.String()+string(encoded)+settings.Validate().Error(), secret)
	require.Contains(t, logged.String(), "smtp.example.com", "it was printed")
}

func TestNew_CAFile(t *testing.T) {
	t.Parallel()
	settings := valid()
	settings.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	_, err := New(settings, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "`ca_file`")
	require.NoError(t, os.WriteFile(settings.CAFile, []byte("no certificate"), 0o600))
	_, err = New(settings, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "holds no certificate")
}

// ASVS 12.1.1: what is insecure by the operator's will is logged.
func TestNew_WarnsWhenInsecure_ASVS_12_1_1(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	settings := valid()
	_, err := New(settings, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	require.Empty(t, logged.String())
	settings.TLS, settings.Insecure = NoTLS, true
	_, err = New(settings, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	require.Contains(t, logged.String(), "mail::insecure")
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	mailer, err := New(DefaultSettings(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, Disabled{}, mailer)
	failure := requireCode(t, queryserver.Unavailable, mailer.Send(t.Context(), ada, reset))
	require.Contains(t, failure.Message, "mail::host")
}
