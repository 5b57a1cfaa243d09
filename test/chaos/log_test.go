//go:build linux

package chaos

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// leaveUnsent has a client's items acknowledged while ClickHouse is away, and kills the
// collector.
func leaveUnsent(t *testing.T, r *rig.Rig, name string, items int) *rig.Client {
	t.Helper()
	r.Proxy.Down()
	r.StartCollector(t)
	client := send(t, r, name, items)
	r.Collector.Kill()
	return client
}

// send has a client's items acknowledged.
func send(t *testing.T, r *rig.Rig, name string, items int) *rig.Client {
	t.Helper()
	client := r.StartLoad(t, name, func(c *load.Config) { c.Rate = *flagRate })
	client.AwaitAcked(t, items)
	client.Stop(t)
	return client
}

// A copy of the log's folder is put back after the log has gone on: a volume that was
// restored, or a clone of it. Its batches must not be taken for new ones, nor new ones
// for its.
func TestLog_Restored(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	copied := filepath.Join(t.TempDir(), "log")
	clients := []*rig.Client{leaveUnsent(t, r, "before", 3000)}
	require.NoError(t, os.CopyFS(copied, os.DirFS(r.LogDirectory())))

	require.NoError(t, r.Proxy.Up())
	r.StartCollector(t)
	clients = append(clients, send(t, r, "between", 3000))
	settleAll(t, r, clients)
	r.Collector.Kill()

	require.NoError(t, os.RemoveAll(r.LogDirectory()))
	require.NoError(t, os.CopyFS(r.LogDirectory(), os.DirFS(copied)))
	r.StartCollector(t)
	clients = append(clients, send(t, r, "after", 3000))
	settleAll(t, r, clients)
	r.Collector.Terminate()

	round := &results.Round{Fault: "the log's folder is restored from a copy", Times: 1}
	for _, client := range clients {
		of(round, r.Judge(t, client))
	}
	openCampaign(t).keep(t, round)
	require.True(t, round.Good(), "%+v", round)
}

func settleAll(t *testing.T, r *rig.Rig, clients []*rig.Client) {
	t.Helper()
	for _, client := range clients {
		r.Settle(t, client)
	}
}

// segment finds the file of the log of spans that holds most, and where its content
// ends: the rest is reserved space.
func segment(t *testing.T, r *rig.Rig) (path string, data []byte, end int) {
	t.Helper()
	folder := filepath.Join(r.LogDirectory(), "tenant_clickhouse", "traces")
	require.NoError(t, filepath.WalkDir(folder, func(found string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(found) != ".wal" {
			return err
		}
		content, err := os.ReadFile(found)
		if used := len(bytes.TrimRight(content, "\x00")); used > end {
			path, data, end = found, content, used
		}
		return err
	}))
	require.NotZero(t, end, "no log holds anything")
	return path, data, end
}

// A bit of the log changes on disk: what was written there, and what follows it in its
// batch and refers to it, is lost and said to be. All else is stored, and the segment is
// kept.
func TestLog_Flipped(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	client := leaveUnsent(t, r, "flipped", 20_000)
	path, data, end := segment(t, r)
	data[end/2] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.NoError(t, r.Proxy.Up())
	r.StartCollector(t)
	after := send(t, r, "flippedafter", 1000)
	r.Settle(t, after)
	r.Patience = 5 * time.Second // something is lost by design
	verdict, _ := r.Settle(t, client)
	require.Contains(t, r.Collector.Output(), "changed on disk")
	r.Collector.Terminate()
	require.Positive(t, verdict.Lost, "the bit was of no record")
	require.Less(t, verdict.Lost, verdict.Acked/2, "more than the rest of a batch is lost")
	require.Zero(t, verdict.Doubled+verdict.Ghosts, "%s", verdict)
	require.Empty(t, verdict.Views)
	kept, err := os.ReadDir(filepath.Join(filepath.Dir(path), "quarantine"))
	require.NoError(t, err)
	require.NotEmpty(t, kept)
	good := r.Judge(t, after)
	require.True(t, good.Good(), "%s %v", good, good.Views)
	openCampaign(t).keep(t, &results.Round{Fault: "a bit of the log changes: all but the rest of its batch is stored", Times: 1, Acked: verdict.Acked + good.Acked})
}

// The log ends in half a record, as after a crash of the machine.
func TestLog_Torn(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	client := leaveUnsent(t, r, "torn", 5000)
	path, data, end := segment(t, r)
	half := append([]byte{}, data[:500]...) // begins as a record does, and is cut
	copy(data[min(end+64, len(data)-len(half)):], half)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.NoError(t, r.Proxy.Up())
	r.StartCollector(t)
	verdict, recovery := r.Settle(t, client)
	r.Collector.Terminate()
	keepOne(t, "the log ends in half a record", verdict, recovery)
}
