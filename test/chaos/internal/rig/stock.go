//go:build linux

package rig

import (
	"path/filepath"
	"testing"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// StartStockCollector starts a collector of upstream components only, which sends what
// it gets to the rig's.
func (r *Rig) StartStockCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{HTTP: stacktest.FreeAddress(t), GRPC: stacktest.FreeAddress(t)}
	health := stacktest.FreeAddress(t)
	c.Process = &Process{
		owner:   t,
		program: stacktest.Program(t, "telemetryflow-collector"),
		environment: []string{
			"STOCK_HTTP=" + c.HTTP, "STOCK_GRPC=" + c.GRPC, "STOCK_HEALTH=" + health,
			"GATEWAY_HTTP=" + r.Collector.HTTP, "GATEWAY_GRPC=" + r.Collector.GRPC,
			"KEY_ID=" + r.key.ID.String(), "KEY_SECRET=" + r.key.Secret,
		},
		arguments: []string{"--config", filepath.Join(stacktest.Root(t), "test", "chaos", "testdata", "stock-collector.yaml")},
		ready:     "http://" + health,
	}
	c.Start()
	return c
}
