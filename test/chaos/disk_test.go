//go:build linux

package chaos

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// smallDisk mounts a disk of its own for the log.
func smallDisk(t *testing.T, r *rig.Rig, size string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(r.LogDirectory(), 0o700))
	err := syscall.Mount("chaos", r.LogDirectory(), "tmpfs", 0, "size="+size)
	require.NoError(t, err, "mount a small disk for the log: this test must run as root, with the right to mount")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(r.LogDirectory(), syscall.MNT_DETACH)) })
}

// smallLog leaves a little room on the small disk, as the default does on a large one.
const smallLog = "yaml:extensions::write_ahead_log: {segment_size: 1048576, min_free_space: 4194304}"

// The disk of the log is full while ClickHouse is away: refused, nothing lost; and when
// somebody makes room, the same process serves again.
func TestDisk_Full(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	smallDisk(t, r, "32m")
	r.Over = append(r.Over, smallLog)
	filler := filepath.Join(r.LogDirectory(), "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 12<<20), 0o600))
	r.StartCollector(t)
	pid := r.Collector.Cmd.Process.Pid
	r.Proxy.Down()
	client := r.StartLoad(t, "full", func(c *load.Config) { c.Rate = 4 * *flagRate })
	awaitRefusals(t, client)
	time.Sleep(*flagFault) // it stays full

	freed := time.Now()
	require.NoError(t, os.Remove(filler))
	client.AwaitMore(t)
	recovery := time.Since(freed)
	awaitRefusals(t, client) // full again

	freed = time.Now()
	require.NoError(t, r.Proxy.Up())
	client.AwaitMore(t)
	recovery = max(recovery, time.Since(freed))
	client.Stop(t)
	r.Settle(t, client)
	require.Equal(t, pid, r.Collector.Cmd.Process.Pid)
	r.Collector.Terminate()
	verdict := r.Judge(t, client)

	round := &results.Round{Fault: "the disk of the log is full", Times: 2, Recovery: recovery}
	of(round, verdict)
	openCampaign(t).keep(t, round)
	require.True(t, verdict.Good(), "%s %v", verdict, verdict.Views)
	require.Less(t, recovery, 10*time.Second)
	require.Positive(t, verdict.Refused)
}

// awaitRefusals waits until everything is refused: the newest entries of the ledger.
func awaitRefusals(t *testing.T, client *rig.Client) {
	t.Helper()
	const newest = 16
	require.Eventually(t, func() bool {
		require.False(t, client.Ended(), client.Output())
		entries := client.Book(t).Entries
		if len(entries) < newest {
			return false
		}
		for _, e := range entries[len(entries)-newest:] {
			if e.Outcome != ledger.Refused {
				return false
			}
		}
		return true
	}, stacktest.Patience, stacktest.Often, "it is never full")
}
