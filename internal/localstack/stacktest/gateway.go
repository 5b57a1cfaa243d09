//go:build linux

package stacktest

import (
	"testing"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

// Collector is a collector beside the stack's own.
type Collector struct {
	*Process
	GRPC   string // addresses
	HTTP   string
	Health string
}

// StartGateway runs config/gateway.yaml on the stack's databases, with more files
// over it.
func (s *Stack) StartGateway(t testing.TB, certFile, keyFile string, over ...string) *Collector {
	t.Helper()
	c := &Collector{GRPC: FreeAddress(t), HTTP: FreeAddress(t), Health: FreeAddress(t)}
	c.start(t, []string{
		"TELEMETRYFLOW_POSTGRES_URL=" + s.State.IngestURL(),
		"TELEMETRYFLOW_REDIS_URL=" + s.State.RedisURL(),
		"TELEMETRYFLOW_CLICKHOUSE_URL=" + s.State.EngineURL("telemetryflow"),
		"TELEMETRYFLOW_LOG_DIRECTORY=" + t.TempDir(),
		"TELEMETRYFLOW_OTLP_GRPC_ENDPOINT=" + c.GRPC,
		"TELEMETRYFLOW_OTLP_HTTP_ENDPOINT=" + c.HTTP,
		"TELEMETRYFLOW_TLS_CERT_FILE=" + certFile,
		"TELEMETRYFLOW_TLS_KEY_FILE=" + keyFile,
	}, append([]string{"gateway.yaml"}, over...))
	return c
}

// StartAgent runs config/agent.yaml in front of a gateway, under a key. It trusts
// the authority in caFile, and reads the log files that match a pattern.
func StartAgent(t testing.TB, gateway string, key localstack.Key, caFile, logs string) *Collector {
	t.Helper()
	c := &Collector{GRPC: FreeAddress(t), HTTP: FreeAddress(t), Health: FreeAddress(t)}
	c.start(t, []string{
		"SSL_CERT_FILE=" + caFile,
		"TELEMETRYFLOW_ENDPOINT=" + gateway,
		"TELEMETRYFLOW_API_KEY_ID=" + key.ID,
		"TELEMETRYFLOW_API_KEY_SECRET=" + key.Secret,
		"TELEMETRYFLOW_HOST_NAME=test-host",
		"TELEMETRYFLOW_AGENT_LOGS=" + logs,
		"TELEMETRYFLOW_AGENT_STORAGE=" + t.TempDir(),
		"TELEMETRYFLOW_AGENT_OTLP_GRPC_ENDPOINT=" + c.GRPC,
		"TELEMETRYFLOW_AGENT_OTLP_HTTP_ENDPOINT=" + c.HTTP,
		"TELEMETRYFLOW_SELF_NAME=test-agent",
		"TELEMETRYFLOW_SELF_ENDPOINT=" + gateway,
	}, []string{"agent.yaml", "self-telemetry.yaml"})
	return c
}

func (c *Collector) start(t testing.TB, environment, files []string) {
	t.Helper()
	var arguments []string
	for _, file := range files {
		arguments = append(arguments, "--config", Config(t, file))
	}
	if files[0] == "gateway.yaml" {
		// The pull endpoint of a collector's own metrics has one fixed port.
		arguments = append(arguments, "--config", "yaml:service::telemetry::metrics::level: none")
	}
	environment = append(environment, "TELEMETRYFLOW_HEALTH_ENDPOINT="+c.Health)
	c.Process = Run(t, Program(t, "telemetryflow-collector"), environment, arguments...)
	c.AwaitOK(t, "http://"+c.Health)
}
