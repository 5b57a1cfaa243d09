package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// run runs the program's commands in this process.
func runCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return strings.TrimSpace(out.String()), err
}

func TestAPIKeyCommand(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t).URL("telemetryflow_app")
	must := func(args ...string) string {
		t.Helper()
		out, err := runCommand(t, append(args, "--postgres-url", url)...)
		require.NoError(t, err, args)
		return out
	}
	must("organization", "create", "acme")
	must("workspace", "create", "shop", "--organization", "acme")
	owner := must("tenant", "create", "checkout", "--organization", "acme", "--workspace", "shop")

	var created struct {
		KeyID       string   `json:"keyId"`
		Secret      string   `json:"secret"`
		TenantID    string   `json:"tenantId"`
		Permissions []string `json:"permissions"`
		Limits      struct {
			RequestsPerMinute int `json:"requestsPerMinute"`
		} `json:"limits"`
	}
	out := must("apikey", "create", "--tenant", owner, "--name", "ci", "--permissions", "logs:write", "--expires", "1h", "--output", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &created))
	require.Regexp(t, `^tfk_[0-9a-f]{32}$`, created.KeyID)
	require.Regexp(t, `^tfs_[0-9a-f]{64}$`, created.Secret)
	require.Equal(t, owner, created.TenantID)
	require.Equal(t, []string{"logs:write"}, created.Permissions)
	require.Equal(t, 1000, created.Limits.RequestsPerMinute)

	t.Run("List", func(t *testing.T) {
		out := must("apikey", "list", "--tenant", owner)
		require.Contains(t, out, created.KeyID)
		require.Contains(t, out, "until ")
		require.NotContains(t, must("apikey", "list", "--output", "json"), created.Secret, "secrets are shown once")
	})
	t.Run("SecretFile", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "key")
		out := must("apikey", "rotate", created.KeyID, "--grace", "0s", "--secret-file", file)
		require.NotContains(t, out, "tfs_")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Regexp(t, `^`+created.KeyID+`:tfs_[0-9a-f]{64}\n$`, string(text))
		require.NotContains(t, string(text), created.Secret)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		_, err = runCommand(t, "apikey", "rotate", created.KeyID, "--secret-file", file, "--postgres-url", url)
		require.ErrorContains(t, err, "rotate it", "an existing file is not overwritten")
	})
	t.Run("Revoke", func(t *testing.T) {
		require.Contains(t, must("apikey", "revoke", created.KeyID), "revoked ")
		_, err := runCommand(t, "apikey", "revoke", created.KeyID, "--postgres-url", url)
		require.ErrorContains(t, err, "no such API key")
	})
	t.Run("ErrNowhere", func(t *testing.T) {
		_, err := runCommand(t, "apikey", "list", "--data-dir", t.TempDir())
		require.ErrorContains(t, err, "where is PostgreSQL? Set --postgres-url or TELEMETRYFLOW_POSTGRES_URL")
	})
	for text, args := range map[string][]string{
		"at least one of the flags":      {"apikey", "create", "--name", "x"},
		"--tenant: \"x\" is not a UUID":  {"apikey", "create", "--name", "x", "--tenant", "x"},
		"is none of metrics":             {"apikey", "create", "--name", "x", "--tenant", owner, "--permissions", "metrics:drop"},
		"--expires must be positive":     {"apikey", "create", "--name", "x", "--tenant", owner, "--expires", "-1s"},
		"--output must be table or json": {"apikey", "list", "--output", "xml"},
		"there is no such tenant":        {"apikey", "create", "--name", "x", "--tenant", "0190f3a1-0000-7000-8000-00000000dead"},
		"--grace must not be negative":   {"apikey", "rotate", created.KeyID, "--grace", "-1s"},
		"were all set":                   {"apikey", "create", "--name", "x", "--tenant", owner, "--workspace", owner},
	} {
		t.Run("Err "+text, func(t *testing.T) {
			_, err := runCommand(t, append(args, "--postgres-url", url)...)
			require.ErrorContains(t, err, text)
		})
	}
}
