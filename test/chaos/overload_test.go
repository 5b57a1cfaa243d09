//go:build linux

package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// tightLog is full after a few seconds of overload.
const tightLog = "yaml:extensions::write_ahead_log: {segment_size: 1048576, max_size: 4194304}"

// Stock clients, an SDK and a collector of upstream components, send to a collector
// that gets much more from another tenant than ClickHouse takes, and refuses what its log
// cannot hold. They wait as they are told to, and lose nothing, though an SDK drops what
// is not taken within 10 s.
func TestOverload(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.Over = append(r.Over, tightLog)
	r.StartCollector(t)
	stock := r.StartStockCollector(t)
	r.Proxy.Set(faultproxy.Slow(4 * time.Second))

	neighbour := r.Neighbour(t)
	crowd := r.StartLoad(t, "crowd", func(c *load.Config) {
		c.Rate, c.For, c.Padding = 4000, *flagOverload, 2000
		c.KeyID, c.KeySecret = neighbour.ID.String(), neighbour.Secret
	})
	clients := []*rig.Client{
		crowd,
		r.StartLoad(t, "sdk", func(c *load.Config) {
			c.Streams, c.Rate, c.For, c.Patience = load.SDKStreams("sdk"), 60, *flagOverload, 5*time.Minute
		}),
		r.StartLoad(t, "stock", func(c *load.Config) {
			c.HTTP, c.GRPC, c.Rate, c.For = stock.HTTP, stock.GRPC, 400, *flagOverload
		}),
	}
	crowd.Await(t)
	r.Proxy.Set(faultproxy.Pass)
	began := time.Now()
	round := &results.Round{Fault: "overload of " + flagOverload.String() + ", stock SDK and collector as clients", Times: 1}
	for _, client := range clients {
		client.Await(t)
		r.Settle(t, client)
		verdict := r.Judge(t, client)
		t.Log(client.Name, verdict, client.Book(t).Reasons())
		of(round, verdict)
	}
	round.Recovery = time.Since(began)
	openCampaign(t).keep(t, round)
	reasons := crowd.Book(t).Reasons()
	require.Positive(t, reasons["R 503"]+reasons["R 429"], "it was no overload")
	require.True(t, round.Good(), "%+v", round)
}
