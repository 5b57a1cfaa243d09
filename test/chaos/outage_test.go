//go:build linux

package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// outageRate is in items per second.
const outageRate = 2000

// The engine is away for long, and the collector is started again three times
// meanwhile: killed, killed, and asked to end.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.StartCollector(t)
	client := r.StartLoad(t, "outage", func(c *load.Config) { c.Rate, c.RetryRefused = outageRate, true })
	client.AwaitAcked(t, 1)
	r.Engine.Kill()
	for restart := range 3 {
		time.Sleep(*flagOutage / 4)
		if restart < 2 {
			r.Collector.Kill()
		} else {
			r.Collector.Terminate()
		}
		r.Collector.Start()
		client.AwaitMore(t)
	}
	time.Sleep(*flagOutage / 4)
	client.Stop(t)
	r.Engine.Start()
	began := time.Now()
	r.Settle(t, client)
	recovery := time.Since(began)
	r.Collector.Terminate()
	verdict := r.Judge(t, client)
	missing := missingBuckets(t, r, client)

	round := &results.Round{Fault: "outage of " + flagOutage.String() + " at 2,000 items/s, 3 restarts of the collector", Times: 1, Recovery: recovery}
	of(round, verdict)
	if len(missing) > 0 {
		round.Failed = "nothing is stored of some times"
	}
	openCampaign(t).keep(t, round)
	require.True(t, verdict.Good(), "%s %v", verdict, verdict.Views)
	require.Empty(t, missing)
}

// missingBuckets returns the minutes, or in a short run the seconds, of which
// something was acknowledged and nothing is stored.
func missingBuckets(t *testing.T, r *rig.Rig, client *rig.Client) []time.Time {
	t.Helper()
	bucket := time.Minute
	if *flagOutage < 5*time.Minute {
		bucket = time.Second
	}
	stored := map[int64]bool{}
	for _, kind := range load.Kinds() {
		buckets, err := r.Database.Buckets(t.Context(), kind, client.Name, bucket)
		require.NoError(t, err)
		for _, b := range buckets {
			stored[b] = true
		}
	}
	// Items carry the time at which their request was first sent, or a little before.
	type request struct {
		stream string
		first  uint64
	}
	sent := map[request]time.Time{}
	var missing []time.Time
	for _, e := range client.Book(t).Entries {
		one := request{e.Stream, e.First}
		if _, known := sent[one]; !known {
			sent[one] = e.Sent
		}
		at := sent[one].Truncate(bucket)
		if e.Outcome == ledger.Acked && !stored[at.Unix()] && !stored[at.Add(-bucket).Unix()] {
			missing = append(missing, at)
			stored[at.Unix()] = true // say it once
		}
	}
	return missing
}
