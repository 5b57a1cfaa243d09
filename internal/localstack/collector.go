package localstack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// collector returns the gateway: config/standalone.yaml, and over it the file
// that sends its own metrics to the system's tenant.
func (s *stack) collector(data string) Service {
	environment := append(s.selfTelemetry("telemetryflow-collector"),
		"TELEMETRYFLOW_POSTGRES_URL="+s.state.IngestURL(),
		"TELEMETRYFLOW_REDIS_URL="+s.state.RedisURL(),
		"TELEMETRYFLOW_CLICKHOUSE_URL="+s.state.EngineURL(databaseName),
		"TELEMETRYFLOW_LOG_DIRECTORY="+filepath.Join(data, "log"),
		"TELEMETRYFLOW_OTLP_GRPC_ENDPOINT="+s.config.otlp(s.config.GRPCPort),
		"TELEMETRYFLOW_OTLP_HTTP_ENDPOINT="+s.config.otlp(s.config.HTTPPort),
		"TELEMETRYFLOW_HEALTH_ENDPOINT="+hostPort(s.state.HealthPort),
	)
	service := s.distribution("collector", data, environment, s.state.HealthPort, "standalone.yaml", "self-telemetry.yaml")
	service.RunAs = s.programAccount
	return service
}

// agent returns the agent of this machine: host metrics, and the logs of the
// stack's programs. It runs as the caller, who owns the logs.
func (s *stack) agent(data string) Service {
	environment := append(s.selfTelemetry("telemetryflow-agent"),
		"TELEMETRYFLOW_ENDPOINT=http://"+s.gateway(s.config.HTTPPort),
		"TELEMETRYFLOW_AGENT_LOGS="+filepath.Join(s.folders.logs(), "*.log"),
		// Its own log would tell of every failed sending, in one more line to send.
		"TELEMETRYFLOW_AGENT_LOGS_EXCLUDE="+filepath.Join(s.folders.logs(), "agent.log"),
		"TELEMETRYFLOW_AGENT_STORAGE="+data,
		"TELEMETRYFLOW_AGENT_SERVICE_NAME=telemetryflow",
		"TELEMETRYFLOW_HOST_NAME="+hostName(),
		// Programs on this machine send to the collector; any free port will do.
		"TELEMETRYFLOW_AGENT_OTLP_GRPC_ENDPOINT="+hostPort(0),
		"TELEMETRYFLOW_AGENT_OTLP_HTTP_ENDPOINT="+hostPort(0),
		"TELEMETRYFLOW_HEALTH_ENDPOINT="+hostPort(s.state.AgentHealthPort),
	)
	return s.distribution("agent", data, environment, s.state.AgentHealthPort, "agent.yaml", "self-telemetry.yaml")
}

// selfTelemetry is the part of the environment with which a collector sends its
// own telemetry, and the agent everything, under the system's tenant.
func (s *stack) selfTelemetry(name string) []string {
	return append(os.Environ(),
		"TELEMETRYFLOW_SELF_NAME="+name,
		"TELEMETRYFLOW_SELF_ENDPOINT=http://"+s.gateway(s.config.HTTPPort),
		"TELEMETRYFLOW_API_KEY_ID="+s.systemKey.ID,
		"TELEMETRYFLOW_API_KEY_SECRET="+s.systemKey.Secret,
	)
}

// distribution runs the Collector distribution with files of the config folder.
func (s *stack) distribution(name, data string, environment []string, healthPort int, files ...string) Service {
	arguments := make([]string, 0, 2*len(files))
	for _, file := range files {
		arguments = append(arguments, "--config", filepath.Join(s.config.ConfigDir, file))
	}
	health := "http://" + hostPort(healthPort)
	return Service{
		Name: name,
		Command: func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(s.config.ProgramDir, "telemetryflow-collector"), arguments...)
			cmd.Dir = data
			cmd.Env = environment
			return cmd
		},
		Ready:        func(ctx context.Context) error { return getOK(ctx, health) },
		StartTimeout: 2 * time.Minute,
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  25 * time.Second, // it lets requests finish for 20 s
		OrphanSignal: syscall.SIGKILL,
	}
}

// gateway is where programs on this machine reach an OTLP port of the collector.
func (s *stack) gateway(port int) string {
	if s.config.Listen == "0.0.0.0" || s.config.Listen == "::" {
		return hostPort(port)
	}
	return s.config.otlp(port)
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// getOK succeeds when the URL answers 200.
func getOK(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health check answers %s", strconv.Quote(response.Status))
	}
	return nil
}
