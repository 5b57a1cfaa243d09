//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// The benchmark starts its own program again as the load.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == loadArgument {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A small run goes through both exporters and every part that can be small. It
// judges no figure.
func TestBenchmark(t *testing.T) {
	t.Parallel()
	options, err := parseOptions(strings.Fields("-rounds 1 -items 2000 -request-items 100 -instances 4 -connections 4 -tenants 2 " +
		"-parts cpu,mixed,latency,sustained -pipelines ours,contrib-fsync -latency-rate 500 -latency-for 1s -sustained-rate 1000 -sustained-for 1s"))
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, benchmark(t, options, &out))
	for _, figure := range []string{
		"ingest_cpu_ratio_traces", "ingest_cpu_ratio_logs", "ingest_cpu_ratio_metrics", "ingest_rate_ratio", "ingest_rss_ratio",
		"bytes_per_row_ratio_traces", "bytes_per_row_ratio_logs", "bytes_per_row_ratio_metrics",
		"sustained_items_per_s", "ack_p95_ms", "accepted_to_queryable_p95_ms",
	} {
		require.Regexp(t, `(?m)^FIGURE `+figure+` [0-9.]+$`, out.String())
	}
	require.NotContains(t, out.String(), "doubled")
}

func TestParseOptions(t *testing.T) {
	t.Parallel()
	options, err := parseOptions(nil)
	require.NoError(t, err)
	require.Equal(t, rig.Ours, options.pipelines[0].Name)
	require.Equal(t, allParts, options.parts)
	for _, wrong := range []string{"-parts speed", "-pipelines contrib-fsync", "-pipelines ours,theirs", "-connections 64 -instances 32", "-rounds many"} {
		_, err := parseOptions(strings.Fields(wrong))
		require.Error(t, err, wrong)
	}
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, spread{median: 3, least: 1, most: 9}, spreadOf([]float64{9, 1, 3}))
	require.Equal(t, spread{median: 2.5, least: 1, most: 9}, spreadOf([]float64{9, 1, 3, 2}))
	require.Equal(t, "3.0 (1.0-9.0)", spread{3, 1, 9}.show("%.1f"))
	require.Equal(t, "3", spread{3, 3, 3}.show("%.0f"))
}
