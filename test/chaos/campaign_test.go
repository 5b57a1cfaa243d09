//go:build linux

package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// campaign is a series of rounds whose results are kept.
type campaign struct {
	folder string
	rounds []*results.Round
}

// openCampaign goes on with what the folder of the flag holds.
func openCampaign(t *testing.T) *campaign {
	t.Helper()
	c := &campaign{folder: *flagState}
	if c.folder == "" {
		c.folder = t.TempDir()
	}
	var err error
	c.rounds, err = results.Read(c.folder)
	require.NoError(t, err)
	return c
}

// keep notes a round, and fails the test when something is wrong with it.
func (c *campaign) keep(t *testing.T, round *results.Round) {
	t.Helper()
	round.At = time.Now()
	require.NoError(t, results.Append(c.folder, round))
	c.rounds = append(c.rounds, round)
	t.Logf("%+v", *round)
}

// of notes what a verdict says.
func of(round *results.Round, v rig.Verdict) {
	round.Acked += v.Acked
	round.Refused += v.Refused
	round.Unknown += v.Unknown
	round.Lost += v.Lost
	round.Doubled += v.Doubled
	round.Ghosts += v.Ghosts
	round.Views = append(round.Views, v.Views...)
}

// keepOne keeps the result of a fault that happened once, and requires that nothing
// is wrong.
func keepOne(t *testing.T, fault string, v rig.Verdict, recovery time.Duration) {
	t.Helper()
	round := &results.Round{Fault: fault, Times: 1, Recovery: recovery}
	of(round, v)
	openCampaign(t).keep(t, round)
	require.True(t, v.Good(), "%s: %s %v", fault, v, v.Views)
}
