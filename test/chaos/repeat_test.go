//go:build linux

package chaos

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// Clients that hear no answer send the same bytes again, to a collector that is killed
// now and then. Under /api/v2/otlp the repetition is recognised.
func TestRepeat(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.StartCollector(t)
	client := r.StartLoad(t, "repeat", func(c *load.Config) {
		c.Rate, c.RetryRefused, c.RetryUnknown, c.Path = *flagRate, true, true, "/api/v2/otlp/"
		for i := range c.Streams {
			c.Streams[i].Transport = load.HTTP // the path is of HTTP
		}
	})
	for range 4 {
		client.AwaitMore(t)
		time.Sleep(rand.N(*flagFault))
		r.Collector.Kill()
		r.Collector.Start()
	}
	client.AwaitMore(t)
	client.Stop(t)
	verdict, recovery := r.Settle(t, client)
	r.Collector.Terminate()
	require.Zero(t, verdict.Refused+verdict.Unknown, "the client insists")
	keepOne(t, "clients repeat what got no answer, while the collector is killed", verdict, recovery)
}
