//go:build linux

package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// SIGTERM while ClickHouse is away: the collector ends soon, and what it has
// acknowledged is stored after its next start.
func TestShutdown(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.StartCollector(t)
	client := r.StartLoad(t, "shutdown", func(c *load.Config) { c.Rate, c.RetryRefused = *flagRate, true })
	client.AwaitAcked(t, 1)
	r.Proxy.Down()
	client.AwaitMore(t)
	took := r.Collector.Terminate()
	require.Less(t, took, 10*time.Second)
	require.NoError(t, r.Proxy.Up())
	r.Collector.Start()
	client.AwaitMore(t)
	client.Stop(t)
	verdict, _ := r.Settle(t, client)
	r.Collector.Terminate()
	keepOne(t, "SIGTERM while ClickHouse is away", verdict, took)
}
