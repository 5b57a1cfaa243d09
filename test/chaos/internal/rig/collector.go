//go:build linux

package rig

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// Collector is the distribution on config/standalone.yaml.
type Collector struct {
	*Process
	HTTP, GRPC string // addresses
}

// quickRetries are for tests that are not about the time between attempts.
const quickRetries = "yaml:exporters::tenant_clickhouse::retry_on_failure: {initial_interval: 200ms, max_interval: 2s}"

// newCollector makes a collector that is not started.
func (r *Rig) newCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{HTTP: stacktest.FreeAddress(t), GRPC: stacktest.FreeAddress(t)}
	health := stacktest.FreeAddress(t)
	if r.Collector != nil { // clients find it where it was
		c.HTTP, c.GRPC, health = r.Collector.HTTP, r.Collector.GRPC, strings.TrimPrefix(r.Collector.ready, "http://")
	}
	arguments := []string{
		"--config", stacktest.Config(t, "standalone.yaml"),
		"--config", "yaml:service::telemetry::metrics::level: none", // else the port of the pull endpoint must be free
		"--config", "yaml:service::telemetry::logs::level: warn",
		"--config", quickRetries,
	}
	for _, over := range r.Over {
		arguments = append(arguments, "--config", over)
	}
	c.Process = &Process{
		owner:   t,
		program: r.Program,
		environment: []string{
			"TELEMETRYFLOW_POSTGRES_URL=" + r.postgresURL,
			"TELEMETRYFLOW_REDIS_URL=redis://" + r.RedisPipe.Addr + "/0",
			"TELEMETRYFLOW_CLICKHOUSE_URL=" + r.Database.URL(r.Proxy.Addr),
			"TELEMETRYFLOW_OTLP_GRPC_ENDPOINT=" + c.GRPC,
			"TELEMETRYFLOW_OTLP_HTTP_ENDPOINT=" + c.HTTP,
			"TELEMETRYFLOW_HEALTH_ENDPOINT=" + health,
			"TELEMETRYFLOW_LOG_DIRECTORY=" + r.LogDirectory(),
		},
		arguments: arguments,
		ready:     "http://" + health,
	}
	return c
}

// StartCollector starts the collector of the rig, on what an earlier one left. It
// ends with the test. The wrapper is a program, with arguments, that runs it.
func (r *Rig) StartCollector(t testing.TB, wrapper ...string) time.Duration {
	t.Helper()
	r.Collector = r.newCollector(t)
	if len(wrapper) > 0 {
		p := r.Collector.Process
		p.program, p.arguments = wrapper[0], append(append(slices.Clone(wrapper[1:]), p.program), p.arguments...)
	}
	return r.Collector.Start()
}
