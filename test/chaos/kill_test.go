//go:build linux

package chaos

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// killsPerRound is how many kills come before everything is counted.
const killsPerRound = 10

// killing is a way to kill. It returns the moment, and whether batches were not
// committed at that moment.
type killing struct {
	fault string
	share int // of the kills of the collector: one in so many
	kill  func(*testing.T, *rig.Rig, *rig.Client) (at time.Time, busy bool)
}

var killings = []killing{
	{"kill -9 of the collector", 1, killCollector},
	{"kill -9 of the engine", 5, killEngine},
	{"kill -9 of the collector, again while it recovers", 10, killTwice},
	{"kill -9 of the collector, whose inserts are stored without a reply", 10, killUnheard},
}

func TestKill(t *testing.T) {
	t.Parallel()
	c := openCampaign(t)
	r := rig.New(t)
	for _, k := range killings {
		want := (*flagKills + k.share - 1) / k.share
		for round := 0; ; round++ {
			left := want - results.Kills(c.rounds, k.fault)
			if left <= 0 {
				break
			}
			require.Less(t, round, 10+2*want, "too few kills hit anything")
			t.Run(k.fault, func(t *testing.T) { killRound(t, c, r, k, min(left, killsPerRound)) })
			require.False(t, t.Failed())
		}
	}
}

// killRound kills under load, and then counts everything.
func killRound(t *testing.T, c *campaign, r *rig.Rig, k killing, kills int) {
	t.Helper()
	round := &results.Round{Fault: k.fault}
	r.StartCollector(t)
	client := r.StartLoad(t, fmt.Sprintf("k%d", time.Now().UnixNano()), func(c *load.Config) { c.Rate = *flagRate })
	client.AwaitAcked(t, 1)
	var moments []time.Time
	busy := map[time.Time]bool{}
	for range kills {
		time.Sleep(300*time.Millisecond + rand.N(2500*time.Millisecond)) // the moment is what is random
		at, uncommitted := k.kill(t, r, client)
		moments = append(moments, at)
		busy[at] = uncommitted
		round.Recovery = max(round.Recovery, time.Since(at))
		client.AwaitMore(t)
	}
	client.Stop(t)
	r.Settle(t, client)
	r.Collector.Terminate()
	verdict := r.Judge(t, client)

	round.Times = len(moments)
	entries := client.Book(t).Entries
	for _, at := range moments {
		hit := busy[at]
		for _, e := range entries {
			hit = hit || e.InFlight(at)
		}
		if hit {
			round.Kills++
		} else {
			round.Idle++
		}
	}
	of(round, verdict)
	c.keep(t, round)
	require.True(t, verdict.Good(), "%s: %s %v", k.fault, verdict, verdict.Views)
	require.NoError(t, r.Forget(t.Context()))
}

func killCollector(t *testing.T, r *rig.Rig, client *rig.Client) (time.Time, bool) {
	t.Helper()
	at := r.Collector.Kill()
	busy := unstored(t, r, client)
	r.Collector.Start()
	return at, busy
}

// killEngine kills at some moment of an insert, if that has not ended by then.
func killEngine(t *testing.T, r *rig.Rig, _ *rig.Client) (time.Time, bool) {
	t.Helper()
	require.Eventually(t, func() bool { return r.Proxy.Active.Load() > 0 }, stacktest.Patience, time.Millisecond)
	time.Sleep(rand.N(20 * time.Millisecond))
	busy := r.Proxy.Active.Load() > 0
	at := r.Engine.Kill()
	r.Engine.Start()
	return at, busy
}

// killTwice kills the collector again at some moment of its start, which takes about
// a tenth of a second, or soon after.
func killTwice(t *testing.T, r *rig.Rig, client *rig.Client) (time.Time, bool) {
	t.Helper()
	at := r.Collector.Kill()
	busy := unstored(t, r, client)
	r.Collector.Launch()
	time.Sleep(rand.N(300 * time.Millisecond))
	r.Collector.Kill()
	r.Collector.Start()
	return at, busy
}

// killUnheard kills when ClickHouse has stored what the collector does not know of.
func killUnheard(t *testing.T, r *rig.Rig, client *rig.Client) (time.Time, bool) {
	t.Helper()
	broken := r.Proxy.Broken.Load()
	r.Proxy.Set(faultproxy.DropReply)
	defer r.Proxy.Set(faultproxy.Pass)
	require.Eventually(t, func() bool { return r.Proxy.Broken.Load() > broken+1 }, stacktest.Patience, time.Millisecond)
	at := r.Collector.Kill()
	r.Collector.Start()
	client.AwaitMore(t)
	return at, true
}

// unstored says whether the log of a collector that was just killed has batches that
// are not stored: fewer items are than were acknowledged.
func unstored(t *testing.T, r *rig.Rig, client *rig.Client) bool {
	t.Helper()
	stored, err := r.Database.Items(t.Context(), client.Name)
	require.NoError(t, err)
	return stored < client.Book(t).Count(ledger.Acked)
}
