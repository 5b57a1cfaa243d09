//go:build linux

package chaos

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// poisonEvery makes one item in so many a bad one.
const poisonEvery = 1000

// constrained is the column of each table in which the mark of a bad item is.
var constrained = map[string]string{
	"logs": "body", "spans": "span_name", "metric_samples": "metric_name", "metric_histogram_samples": "metric_name",
}

// One row in 1,000 violates a constraint of its table. The others are stored as fast as
// before, these are in the dead letters, and each is stored once when the constraint is
// gone and the letters are replayed.
func TestPoison(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	for table, column := range constrained {
		require.NoError(t, r.Database.Exec(t.Context(), "ALTER TABLE %s ADD CONSTRAINT no_poison CHECK %s != '%s'", table, column, load.PoisonText))
	}
	r.StartCollector(t)
	lasts := 5 * *flagFault
	client := r.StartLoad(t, "poison", func(c *load.Config) { c.Rate, c.For, c.PoisonEvery = *flagRate, lasts, poisonEvery })
	began := time.Now()
	client.Await(t)
	bad := 0
	for _, items := range client.Book(t).Streams {
		bad += len(items) / poisonEvery
	}
	acked := client.Book(t).Count(ledger.Acked)
	require.GreaterOrEqual(t, float64(acked), 0.9*float64(*flagRate)*lasts.Seconds(), "less than 90 %% of the rate is acknowledged")
	require.Positive(t, bad)
	verdict := awaitLost(t, r, client, bad)
	throughput := float64(acked) / time.Since(began).Seconds() / float64(*flagRate)
	t.Logf("%d bad of %d; stored and set aside at %.0f %% of the offered rate", bad, acked, 100*throughput)
	require.Equal(t, bad, verdict.Lost, "the good ones are stored and the bad ones are not: %s", verdict)
	require.Equal(t, bad, lettered(t, r))

	for table := range constrained {
		require.NoError(t, r.Database.Exec(t.Context(), "ALTER TABLE %s DROP CONSTRAINT no_poison", table))
	}
	for range 2 { // a second replay finds nothing
		deadletter(t, r, "replay", "--clickhouse-url", r.Database.URL(""))
	}
	verdict, _ = r.Settle(t, client)
	r.Collector.Terminate()
	verdict = r.Judge(t, client)
	round := &results.Round{Fault: "poison: one bad row in 1,000, replayed later", Times: bad}
	of(round, verdict)
	openCampaign(t).keep(t, round)
	require.True(t, verdict.Good(), "%s %v", verdict, verdict.Views)
	require.GreaterOrEqual(t, throughput, 0.9)
}

// awaitLost waits until no more than so many acknowledged items are missing.
func awaitLost(t *testing.T, r *rig.Rig, client *rig.Client, n int) (verdict rig.Verdict) {
	t.Helper()
	require.Eventually(t, func() bool {
		verdict = r.Judge(t, client)
		return verdict.Lost <= n
	}, time.Minute, 100*time.Millisecond, "good rows are missing")
	return verdict
}

// lettered counts the rows in the dead letters.
func lettered(t *testing.T, r *rig.Rig) int {
	t.Helper()
	n, err := strconv.Atoi(deadletter(t, r, "list"))
	require.NoError(t, err)
	return n
}

// deadletter runs the command on the log's folder.
func deadletter(t *testing.T, r *rig.Rig, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
	defer cancel()
	arguments = append([]string{"deadletter"}, append(arguments, "--directory", r.LogDirectory())...)
	output, err := exec.CommandContext(ctx, stacktest.Program(t, "telemetryflow"), arguments...).CombinedOutput()
	require.NoError(t, err, "%s", output)
	fmt.Println(string(output))
	return string(output)
}
