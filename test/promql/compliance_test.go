package promql

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	upstream "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

func suite(t *testing.T) []string {
	t.Helper()
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "promql/promqltest/testdata/*.test"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func TestCompliance(t *testing.T) {
	world := telemetrytest.New(t)
	settings := clickhouse.DefaultSettings()
	settings.Endpoint = configopaque.String(world.Database.URL)
	settings.Limits.QueriesPerTenant, settings.Limits.Queries = 4, 8
	reader, err := clickhouse.New(settings, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = reader.Close() })
	conn, err := chconn.Open(chconn.Config{Endpoint: world.Database.URL, Timeout: time.Minute, Connections: 8})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var all, deviating, pushedAll, askedAll atomic.Int64
	for _, file := range suite(t) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(file), ".test")
		text, cases, left := withoutDeviations(t, name, string(content))
		all.Add(int64(cases))
		deviating.Add(int64(left))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines := both{}
			var own *promql.Settings
			for into, pushDown := range map[**promql.Engine]bool{&engines.on: true, &engines.off: false} {
				own = testSettings(pushDown, strings.Contains(file, "start_timestamps"))
				*into = promql.NewEngine(own, upstream.EngineOpts{
					MaxSamples: promqltest.DefaultMaxSamplesPerQuery, Timeout: 100 * time.Second,
					NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
					EnableAtModifier:         true, EnableNegativeOffset: true, EnableDelayedNameRemoval: !pushDown || needsNames(name), UseStartTimestamps: own.StartTimestamps,
				}, parser.Options{EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true})
			}
			begun := time.Now()
			promqltest.RunTestWithStorage(t, text, engines, func(testing.TB) storage.Storage {
				return newStorage(own, newMemo(reader, len(content) > longFile), conn, func(name, reason string) { t.Logf("LOST %s: %s", name, reason) })
			})
			pushed, asked := engines.on.PushedDown()
			t.Logf("pushed down: %d of %d in %s", pushed, asked, time.Since(begun))
			pushedAll.Add(pushed)
			askedAll.Add(asked)
		})
	}
	t.Cleanup(func() {
		t.Logf("cases: %d, of which %d deviate; queries: %d, of which %d were pushed down and evaluated twice", all.Load(), deviating.Load(), askedAll.Load(), pushedAll.Load())
	})
}

// needsNames says whether a file tests names that are dropped at the end of a query only.
// With them, functions without an aggregation around them are not pushed down.
func needsNames(file string) bool {
	return slices.Contains([]string{"name_label_dropping", "type_and_unit", "histograms", "native_histograms"}, file)
}

// longFile is a file, in bytes, whose samples are read widely.
const longFile = 30_000

func testSettings(pushDown, starts bool) *promql.Settings {
	own := promql.DefaultSettings()
	own.Translation, own.HistogramsToNHCB, own.PushDown, own.StartTimestamps = "NoTranslation", true, pushDown, starts
	return &own
}

// withoutDeviations leaves out the cases that testdata/deviations.txt lists: lines of file,
// line and reason.
func withoutDeviations(t *testing.T, name, content string) (text string, cases, left int) {
	t.Helper()
	listed, err := os.ReadFile("testdata/deviations.txt")
	require.NoError(t, err)
	skip := make(map[int]bool)
	for line := range strings.Lines(string(listed)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[0] == name {
			number, err := strconv.Atoi(fields[1])
			require.NoError(t, err)
			skip[number] = true
		}
	}
	lines := strings.Split(content, "\n")
	inside := false
	for i, line := range lines {
		if strings.HasPrefix(line, "eval") {
			cases++
			if inside = skip[i+1]; inside {
				left++
			}
		} else if strings.TrimSpace(line) == "" {
			inside = false
		}
		if inside {
			lines[i] = "#"
		}
	}
	require.Equal(t, len(skip), left, "deviations of %s that are no cases", name)
	return strings.Join(lines, "\n"), cases, left
}
