//go:build linux

package chaos

import (
	"testing"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// The clock that counts from the start of the machine is a day ahead in one life of
// the collector and back in the next, as when a volume moves to another machine.
func TestClock_Monotonic(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.Proxy.Down()
	r.StartCollector(t, "unshare", "--time", "--monotonic", "86400", "--boottime", "86400", "--")
	client := r.StartLoad(t, "clock", func(c *load.Config) { c.Rate, c.RetryRefused = *flagRate, true })
	client.AwaitAcked(t, 1000)
	for _, wrapper := range [][]string{nil, {"unshare", "--time", "--monotonic", "3600", "--boottime", "3600", "--"}, nil} {
		r.Collector.Kill()
		r.StartCollector(t, wrapper...)
		client.AwaitMore(t)
	}
	client.Stop(t)
	_ = r.Proxy.Up()
	verdict, recovery := r.Settle(t, client)
	r.Collector.Terminate()
	keepOne(t, "the monotonic clock jumps a day, between lives of the collector", verdict, recovery)
}
