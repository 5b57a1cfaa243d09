//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
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

// lastBatch is how long the last batch may take to be sealed and stored, which counts
// for much in a short run.
const lastBatch = 2 * time.Second

// One item in so many is a bad one, and in the test with kills, of which less is
// acknowledged, one in so many.
const (
	poisonEvery      = 1000
	poisonEveryKills = 200
)

// constrained is the column of each table in which the mark of a bad item is.
var constrained = map[string]string{
	"logs": "body", "spans": "span_name", "metric_samples": "metric_name", "metric_histogram_samples": "metric_name",
}

// One row in 1,000 violates a constraint of its table. The others are stored as fast as
// before, these are in the dead letters, and each is stored once when the constraint is
// gone and the letters are replayed.
func TestPoison(t *testing.T) {
	t.Parallel()
	throughput := poison(t, "poison: one bad row in 1,000, replayed later", poisonEvery, func(*rig.Rig, *rig.Client) {})
	require.Greater(t, throughput, 0.9)
}

// The same while the collector is killed, in the middle of looking for bad rows, too.
func TestPoison_Killed(t *testing.T) {
	t.Parallel()
	poison(t, "poison: one in 200, and kill -9 of the collector", poisonEveryKills, func(r *rig.Rig, client *rig.Client) {
		for range 4 {
			client.AwaitMore(t)
			time.Sleep(rand.N(*flagFault))
			r.Collector.Kill()
			r.Collector.Start()
		}
	})
}

// poison returns which share of the offered rate was stored or set aside.
func poison(t *testing.T, fault string, every int, meanwhile func(*rig.Rig, *rig.Client)) (throughput float64) {
	t.Helper()
	r := rig.New(t)
	for table, column := range constrained {
		require.NoError(t, r.Database.Exec(t.Context(), "ALTER TABLE %s ADD CONSTRAINT no_poison CHECK %s != '%s'", table, column, load.PoisonText))
	}
	r.StartCollector(t)
	lasts := 10 * *flagFault
	client := r.StartLoad(t, "poison", func(c *load.Config) { c.Rate, c.For, c.PoisonEvery = *flagRate, lasts, uint64(every) })
	began := time.Now()
	meanwhile(r, client)
	client.Await(t)
	book := client.Book(t)
	acked, bad := book.Count(ledger.Acked), poisoned(book, every, ledger.Acked)
	require.Positive(t, bad)
	verdict := awaitLost(t, r, client, bad)
	throughput = float64(acked) / (time.Since(began) - lastBatch).Seconds() / float64(*flagRate)
	t.Logf("%d bad of %d; stored and set aside at %.0f %% of the offered rate", bad, acked, 100*throughput)
	require.Equal(t, bad, verdict.Lost, "the good ones are stored and the bad ones are not: %s", verdict)
	letters := lettered(t, r)
	require.GreaterOrEqual(t, letters, bad)
	require.LessOrEqual(t, letters, bad+poisoned(book, every, ledger.Unknown))

	for table := range constrained {
		require.NoError(t, r.Database.Exec(t.Context(), "ALTER TABLE %s DROP CONSTRAINT no_poison", table))
	}
	r.Proxy.Set(faultproxy.Every(2, faultproxy.DropReply)) // the replay does not hear that some are stored
	_, err := deadletters(t, r, "replay", "--all", "--clickhouse-url", r.Database.URL(r.Proxy.Addr))
	require.ErrorContains(t, err, "stays")
	r.Proxy.Set(faultproxy.Pass)
	for range 2 { // the last one finds nothing
		_, err = deadletters(t, r, "replay", "--all", "--clickhouse-url", r.Database.URL(""))
		require.NoError(t, err)
	}
	require.Zero(t, lettered(t, r))
	r.Settle(t, client)
	r.Collector.Terminate()
	verdict = r.Judge(t, client)
	round := &results.Round{Fault: fault, Times: bad}
	of(round, verdict)
	openCampaign(t).keep(t, round)
	require.True(t, verdict.Good(), "%s %v", verdict, verdict.Views)
	return throughput
}

// poisoned counts the bad items with an outcome.
func poisoned(book *ledger.Book, every int, outcome ledger.Outcome) (n int) {
	for _, items := range book.Streams {
		for i := every - 1; i < len(items); i += every {
			if items[i] == outcome {
				n++
			}
		}
	}
	return n
}

// awaitLost waits until no more than so many acknowledged items are missing.
func awaitLost(t *testing.T, r *rig.Rig, client *rig.Client, n int) (verdict rig.Verdict) {
	t.Helper()
	for until := time.Now().Add(stacktest.Patience); ; {
		verdict = r.Judge(t, client)
		if verdict.Lost <= n {
			return verdict
		}
		require.False(t, time.Now().After(until), "good rows are missing: %s, of which %d are bad", verdict, n)
	}
}

// lettered counts the rows in the dead letters.
func lettered(t *testing.T, r *rig.Rig) (rows int) {
	t.Helper()
	output, err := deadletters(t, r, "list", "--output", "json")
	require.NoError(t, err)
	var letters []struct {
		Rows int `json:"rows"`
	}
	require.NoError(t, json.Unmarshal(output, &letters), "%s", output)
	for _, letter := range letters {
		rows += letter.Rows
	}
	return rows
}

// deadletters runs the command on the log's folder. Its error has what it says.
func deadletters(t *testing.T, r *rig.Rig, arguments ...string) ([]byte, error) {
	t.Helper()
	arguments = append(append([]string{"deadletter"}, arguments...), "--directory", r.LogDirectory())
	output, err := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"), arguments...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, output)
	}
	return output, err
}
