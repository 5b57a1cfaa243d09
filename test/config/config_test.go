//go:build linux

package config

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	// The stack runs standalone.yaml, agent.yaml, self-telemetry.yaml and queryserver.yaml.
	stack := stacktest.Start(t)
	cert := stacktest.NewCertificate(t)
	tenant := func(t *testing.T, query string, arguments ...any) string {
		t.Helper()
		found := ""
		require.Eventually(t, func() bool { found = stack.Query(t, query, arguments...); return found != "" },
			stacktest.Patience, stacktest.Often, query)
		return found
	}

	stacktest.SendSpan(t, http.DefaultClient, stack.HTTP, stack.Key, "standalone")
	own := tenant(t, "SELECT tenant_id FROM spans_v3 WHERE service_name = 'standalone'")
	refused := func(t *testing.T, client *http.Client, base string) {
		t.Helper()
		code, _, err := stacktest.Post(t.Context(), client, base, localstack.Key{}, stacktest.Span("stranger"))
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, code)
	}
	refused(t, http.DefaultClient, stack.HTTP)

	t.Run("Gateway", func(t *testing.T) {
		gateway := stack.StartGateway(t, cert.CertFile, cert.KeyFile)
		stacktest.SendSpan(t, cert.Client(), "https://"+gateway.HTTP, stack.Key, "gateway")
		require.Equal(t, own, tenant(t, "SELECT tenant_id FROM spans_v3 WHERE service_name = 'gateway'"))
		refused(t, cert.Client(), "https://"+gateway.HTTP)
		code, _, err := stacktest.Post(t.Context(), http.DefaultClient, "http://"+gateway.HTTP, stack.Key, stacktest.Span("clear"))
		// The server answers 400 and closes; with the request unread, the kernel may
		// reset the connection before the answer is.
		require.True(t, err != nil || code == http.StatusBadRequest, "no keys in clear text: %d", code)
	})
	t.Run("BehindProxy", func(t *testing.T) {
		gateway := stack.StartGateway(t, "", "", "behind-proxy.yaml")
		stacktest.SendSpan(t, http.DefaultClient, "http://"+gateway.HTTP, stack.Key, "behind-proxy")
		require.Equal(t, own, tenant(t, "SELECT tenant_id FROM spans_v3 WHERE service_name = 'behind-proxy'"))
	})
	t.Run("Agent", func(t *testing.T) {
		gateway := stack.StartGateway(t, cert.CertFile, cert.KeyFile)
		logs := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(logs, "app.log"), []byte("a line of a log file\n"), 0o600))
		agent := stacktest.StartAgent(t, "https://"+gateway.HTTP, stack.Key, cert.CertFile, filepath.Join(logs, "*.log"))

		// OTLP without a key, to the agent's own host only.
		stacktest.SendSpan(t, http.DefaultClient, "http://"+agent.HTTP, localstack.Key{}, "through-agent")
		for _, query := range []string{
			"SELECT tenant_id FROM spans_v3 WHERE service_name = 'through-agent'",
			"SELECT tenant_id FROM logs_v3 WHERE body = 'a line of a log file'",
			"SELECT DISTINCT tenant_id FROM metrics_v3 WHERE metric_name = 'system.memory.usage' AND resource_attributes['host.name'] = 'test-host'",
			"SELECT DISTINCT tenant_id FROM metrics_v3 WHERE metric_name = 'otelcol_process_uptime' AND resource_attributes['service.name'] = 'test-agent'",
		} {
			require.Equal(t, own, tenant(t, "%s", query), query)
		}

		// Its answer is the gateway's: without one, nothing is acknowledged.
		gateway.Stop()
		code, _, err := stacktest.Post(t.Context(), http.DefaultClient, "http://"+agent.HTTP, localstack.Key{}, stacktest.Span("no-gateway"))
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, code)
	})
}

// A new file needs a test above.
func TestConfig_AllFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(stacktest.Config(t, "*"))
	require.NoError(t, err)
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	slices.Sort(files)
	require.Equal(t, []string{"agent.yaml", "behind-proxy.yaml", "gateway.yaml", "queryserver.yaml", "self-telemetry.yaml", "standalone.yaml"}, files)
}
