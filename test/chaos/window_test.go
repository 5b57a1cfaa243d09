//go:build linux

package chaos

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// smallBatches make many parts in a short time.
const smallBatches = "yaml:exporters::tenant_clickhouse::batch::max_age: 20ms"

// A collector is stopped when ClickHouse has stored its batches and it does not know.
// Before it is back, another one has made ClickHouse forget their tokens.
func TestWindow(t *testing.T) {
	t.Parallel()
	began := time.Now()
	verdict := turnWindow(t, rig.New(t))
	keepOne(t, "ClickHouse has forgotten the tokens of batches without a reply", verdict, time.Since(began))
}

func turnWindow(t *testing.T, r *rig.Rig) rig.Verdict {
	t.Helper()
	r.Over = append(r.Over, smallBatches)
	for _, table := range [...]string{"spans", "logs", "metric_samples", "metric_histogram_samples"} {
		require.NoError(t, r.Database.Exec(t.Context(), "ALTER TABLE %s MODIFY SETTING non_replicated_deduplication_window = 3", table))
	}
	// The collector compares counts of parts. With the parts of this table gone, the
	// count goes back, as it does when a partition expires.
	require.NoError(t, r.Database.Exec(t.Context(), "CREATE TABLE expiring (x UInt8) ENGINE = MergeTree ORDER BY x PARTITION BY x"))
	for range 50 {
		require.NoError(t, r.Database.Exec(t.Context(), "INSERT INTO expiring SELECT number FROM numbers(100)"))
	}

	r.StartCollector(t)
	r.Proxy.Set(faultproxy.DropReply)
	first := send(t, r, "unheard", 2000)
	require.Eventually(t, func() bool { return r.Proxy.Broken.Load() > 6 }, stacktest.Patience, stacktest.Often)
	r.Collector.Kill()
	r.Proxy.Set(faultproxy.Pass)
	away := r.LogDirectory() + ".away"
	require.NoError(t, os.Rename(r.LogDirectory(), away))

	r.StartCollector(t)
	inserts := r.Proxy.Inserts.Load()
	second := r.StartLoad(t, "other", func(c *load.Config) { c.Rate = *flagRate })
	second.AwaitAcked(t, 9000)
	require.Eventually(t, func() bool { return r.Proxy.Inserts.Load() > inserts+60 }, stacktest.Patience, stacktest.Often,
		"the window has turned over for every table")
	second.Stop(t)
	r.Settle(t, second)
	r.Collector.Terminate()

	require.NoError(t, r.Database.Exec(t.Context(), "DROP TABLE expiring SYNC"))
	require.NoError(t, os.Rename(r.LogDirectory(), r.LogDirectory()+".other"))
	require.NoError(t, os.Rename(away, r.LogDirectory()))
	r.StartCollector(t)
	third := send(t, r, "last", 1000)
	r.Settle(t, third)
	r.Collector.Terminate()
	verdict := r.Judge(t, first)
	for _, client := range []*rig.Client{second, third} {
		more := r.Judge(t, client)
		verdict.Add(more.Verdict)
		verdict.Views = append(verdict.Views, more.Views...)
	}
	return verdict
}
