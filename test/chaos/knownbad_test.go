//go:build linux

package chaos

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// knownBad is a build with one thing wrong on purpose, and the check that must show it.
// The tags are in the components; no configuration reaches them.
type knownBad struct {
	check string
	show  func(*testing.T, *rig.Rig) rig.Verdict
	wrong func(rig.Verdict) bool
}

func lost(v rig.Verdict) bool    { return v.Lost > 0 }
func doubled(v rig.Verdict) bool { return v.Doubled > 0 }
func views(v rig.Verdict) bool   { return len(v.Views) > 0 && v.Verdict.Good() }

// patienceKnownBad is shorter than for a good build, of which nothing should be missing.
const patienceKnownBad = 8 * time.Second

var knownBads = map[string]knownBad{
	// Inserts have no deduplication token.
	"knownbad_notoken": {"the reply of an insert is lost", loseReplies, doubled},
	// Clients are answered before the log has their items.
	"knownbad_ackfirst": {"the disk of the log is full", overfill, lost},
	// A batch counts as stored before it is inserted.
	"knownbad_commitfirst": {"kill -9 while ClickHouse hangs", killWhileHanging, lost},
	// Batches are sent again although their tokens may be forgotten.
	"knownbad_nolookup": {"ClickHouse has forgotten tokens", turnWindow, doubled},
	// Inserts leave out deduplicate_blocks_in_dependent_materialized_views.
	"knownbad_viewdedup": {"a materialized view fails", failView, views},
}

func TestKnownBad(t *testing.T) {
	t.Parallel()
	tags := strings.Split(*flagKnownBad, ",")
	if *flagKnownBad == "all" {
		tags = append(slices.Sorted(maps.Keys(knownBads)), noSync)
	}
	for _, tag := range tags {
		t.Run(tag, func(t *testing.T) {
			if tag == noSync {
				catchNoSync(t)
				return
			}
			bad, known := knownBads[tag]
			require.True(t, known, tag)
			r := rig.New(t)
			r.Program = buildWith(t, tag)
			r.Over = append(r.Over, insertTimeout)
			verdict := bad.show(t, r)
			round := &results.Round{Fault: bad.check, KnownBad: tag, Times: 1, Caught: bad.wrong(verdict)}
			of(round, verdict)
			openCampaign(t).keep(t, round)
			require.True(t, round.Caught, "%s is not caught: %s %v", tag, verdict, verdict.Views)
		})
	}
}

// buildWith builds the distribution with a tag, from the sources that `make build` made.
func buildWith(t *testing.T, tag string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "telemetryflow-collector")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(stacktest.Root(t), "_build"), "-tags", tag, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}

func loseReplies(t *testing.T, r *rig.Rig) rig.Verdict {
	verdict, _ := faultRound(t, r, broken("lostreplies", faultproxy.Every(2, faultproxy.DropReply)))
	return verdict
}

func failView(t *testing.T, r *rig.Rig) rig.Verdict {
	r.Patience = patienceKnownBad
	verdict, _ := faultRound(t, r, viewFault)
	return verdict
}

// overfill sends more than the log has room for.
func overfill(t *testing.T, r *rig.Rig) rig.Verdict {
	r.Patience = patienceKnownBad
	smallDisk(t, r, "16m")
	r.Over = append(r.Over, smallLog)
	r.StartCollector(t)
	r.Proxy.Down()
	client := r.StartLoad(t, "overfill", func(c *load.Config) { c.Rate, c.For, c.Padding = 10_000, 4*time.Second, 2000 })
	client.Await(t)
	require.NoError(t, r.Proxy.Up())
	verdict, _ := r.Settle(t, client)
	r.Collector.Terminate()
	return verdict
}

func killWhileHanging(t *testing.T, r *rig.Rig) rig.Verdict {
	r.Patience = patienceKnownBad
	r.StartCollector(t)
	r.Proxy.Set(faultproxy.Hang)
	client := send(t, r, "hanging", 2000)
	require.Eventually(t, func() bool { return r.Proxy.Active.Load() > 0 }, stacktest.Patience, stacktest.Often)
	r.Collector.Kill()
	r.Proxy.Set(faultproxy.Pass)
	r.Collector.Start()
	verdict, _ := r.Settle(t, client)
	r.Collector.Terminate()
	return verdict
}

// noSync builds a log that is not synced.
const noSync = "knownbad_nofsync"

// Without fsync a killed process loses nothing, only a machine does: the enumeration
// of crashes over a disk that forgets must show it.
func catchNoSync(t *testing.T) {
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-tags", noSync, "-run", "CrashEverywhere", "./internal/wal/...")
	test.Dir = stacktest.Root(t)
	output, err := test.CombinedOutput()
	caught := err != nil && strings.Contains(string(output), "is lost")
	openCampaign(t).keep(t, &results.Round{Fault: "enumeration of crashes", KnownBad: noSync, Times: 1, Caught: caught})
	require.True(t, caught, "%s", output)
}
