//go:build linux

package queryserver

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// ASVS 13.3.4: the master key changes, and what it has sealed is used on.
func TestSecrets_ASVS_13_3_4_Reseal(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.login(t, email)
	status, _ := c.ask(t, http.MethodPost, "/api/v2/sso-providers", map[string]any{
		"name": "corporate", "kind": "oidc", "issuer": "https://id.example.com", "clientId": "c", "clientSecret": "the client's secret",
	}, nil)
	require.Equal(t, http.StatusCreated, status)
	var enrollment struct{ Secret string }
	status, _ = c.ask(t, http.MethodPost, "/api/v2/auth/mfa", map[string]any{"currentPassword": secret}, &enrollment)
	require.Equal(t, http.StatusOK, status)
	status, _ = c.ask(t, http.MethodPost, "/api/v2/auth/mfa/confirm", map[string]any{"mfaCode": totpOf(t, enrollment.Secret)}, nil)
	require.Equal(t, http.StatusOK, status)
	s.Stop()

	random := make([]byte, 32)
	_, _ = rand.Read(random)
	text, err := os.ReadFile(stacktest.Config(t, "queryserver.yaml"))
	require.NoError(t, err)
	const key = "    - id: main\n      key: ${env:TELEMETRYFLOW_MASTER_KEY}\n"
	require.Contains(t, string(text), key)
	next := "    - id: next\n      key: " + base64.StdEncoding.EncodeToString(random) + "\n"
	both := s.configuration(t, strings.Replace(string(text), key, next+key, 1))
	reseal := func(url string) (string, error) {
		command := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"), "secrets", "reseal", "--config", both, "--owner-url", url)
		command.Env = append(os.Environ(), s.environment...)
		output, err := command.CombinedOutput()
		return string(output), err
	}
	output, err := reseal(s.database.AppURL)
	require.Error(t, err, "a server may not: %s", output)
	output, err = reseal(s.database.OwnerURL)
	require.NoError(t, err, output)
	require.Contains(t, output, "3 secrets") // the provider's, the factor's seed, and the signing key
	output, err = reseal(s.database.OwnerURL)
	require.NoError(t, err, output)
	require.Contains(t, output, "0 secrets", "once")

	only := s.configuration(t, strings.Replace(string(text), key, next, 1))
	s.Process = stacktest.Run(t, stacktest.Program(t, "telemetryflow"), s.environment, "queryserver", "--config", only)
	s.AwaitOK(t, s.admin+"/readyz")
	again := s.client(t)
	again.bearer = c.bearer
	status, _ = again.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusOK, status, "the signing key is the same")
	var got session
	status, _ = again.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret}, &got)
	require.Equal(t, http.StatusOK, status)
	require.True(t, got.MFARequired)
	require.NotContains(t, s.Output(), "the client's secret")
}

// configuration is a file of the server's configuration.
func (s *server) configuration(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "queryserver.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}
