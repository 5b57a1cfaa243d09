package results_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
)

func TestResults(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	none, err := results.Read(folder)
	require.NoError(t, err)
	require.Empty(t, none)
	for _, r := range []*results.Round{
		{Fault: "kill", Times: 5, Kills: 4, Idle: 1, Acked: 10, Recovery: time.Second},
		{Fault: "kill", Times: 2, Kills: 2, Acked: 7, Recovery: 2 * time.Second},
		{Fault: "kill", KnownBad: "notoken", Kills: 9, Doubled: 3, Caught: false},
		{Fault: "kill", KnownBad: "notoken", At: time.Unix(1, 0), Kills: 9, Doubled: 3, Caught: true},
	} {
		require.NoError(t, results.Append(folder, r))
	}
	rounds, err := results.Read(folder)
	require.NoError(t, err)
	require.Len(t, rounds, 4)
	require.Equal(t, 6, results.Kills(rounds, "kill"))

	var out strings.Builder
	require.True(t, results.Print(&out, rounds))
	require.Regexp(t, `kill +6 +1 +17 +0 +0 +0 +0 +0 +2s +good`, out.String())
	require.True(t, strings.HasSuffix(out.String(),
		"FIGURE kills 6\nFIGURE acked_lost 0\nFIGURE doubled 0\nFIGURE known_bad_caught 1\nFIGURE known_bad_total 1\n"), out.String())

	rounds = append(rounds, &results.Round{Fault: "stop", Times: 1, Lost: 2})
	out.Reset()
	require.False(t, results.Print(&out, rounds))
	require.Contains(t, out.String(), "FIGURE acked_lost 2\n")
	require.False(t, results.Print(&out, []*results.Round{{KnownBad: "x"}}), "a known-bad build that is not caught")
}
