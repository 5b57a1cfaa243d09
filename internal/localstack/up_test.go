//go:build linux

package localstack_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// TestUp lives through what happens to a stack: the first run and its two lines to
// copy, a second one beside it, crashes, Ctrl-C, kill -9, and starts on kept data.
func TestUp(t *testing.T) {
	t.Parallel()
	stack := stacktest.Start(t)
	firstKey := stack.Key
	whole := t // a stack that is started again outlives the subtest that starts it

	t.Run("CopiedLines", func(t *testing.T) {
		lines := regexp.MustCompile(`(?m)^  (curl .*|\S*telemetryflow sql .*)$`).FindAllStringSubmatch(stack.Output(), -1)
		require.Len(t, lines, 2)
		answer := shell(t, lines[0][1])
		require.Contains(t, answer, "{", "an OTLP response")
		require.NotContains(t, answer, "message")
		require.Eventually(t, func() bool { return strings.Contains(shell(t, lines[1][1]), "first span") },
			stacktest.Patience, stacktest.Often)
		stack.AwaitSpans(t, "hello", 1)
	})
	t.Run("SecondTenant", func(t *testing.T) {
		here := " --data-dir " + stack.DataDir
		second := strings.TrimSpace(shell(t, "bin/telemetryflow tenant create second --organization default --workspace default"+here))
		file := filepath.Join(t.TempDir(), "second-key")
		shell(t, "bin/telemetryflow apikey create --tenant "+second+" --name second --secret-file "+file+here)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		id, secret, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
		stacktest.SendSpan(t, http.DefaultClient, stack.HTTP, localstack.Key{ID: id, Secret: secret}, "second-tenant")
		stack.AwaitQuery(t, second, "SELECT tenant_id FROM spans_v3 WHERE service_name = 'second-tenant'")
	})
	t.Run("NoSecretShown", func(t *testing.T) {
		require.Contains(t, stack.Output(), firstKey.ID)
		for _, secret := range []string{firstKey.Secret, stack.SystemKey(t).Secret, stack.State.PostgresPassword,
			stack.State.IngestPassword, stack.State.RedisPassword, stack.State.EnginePassword} {
			require.NotContains(t, stack.Output(), secret)
		}
		for _, file := range []string{"first-key", "system-key", "stack.json"} {
			info, err := os.Stat(filepath.Join(stack.DataDir, file))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
		}
	})
	t.Run("OwnTelemetry", func(t *testing.T) {
		// Host metrics, the collector's metrics and the programs' logs, each in a
		// tenant that is not the user's.
		user := stack.Query(t, "SELECT tenant_id FROM spans_v3 WHERE service_name = 'hello'")
		for _, query := range []string{
			"SELECT DISTINCT tenant_id FROM metrics_v3 WHERE metric_name = 'system.cpu.time'",
			"SELECT DISTINCT tenant_id FROM metrics_v3 WHERE metric_name = 'otelcol_process_uptime'",
			"SELECT DISTINCT tenant_id FROM logs_v3 WHERE body LIKE '%database system is ready%'",
		} {
			system := ""
			require.Eventually(t, func() bool { system = stack.Query(t, "%s", query); return system != "" },
				stacktest.Patience, stacktest.Often, query)
			require.NotContains(t, system, "\n", "one tenant: %s", query)
			require.NotEqual(t, user, system, query)
		}
		require.Equal(t, "hello,second-tenant", stack.Query(t, "SELECT arrayStringConcat(groupArray(service_name), ',') FROM (SELECT service_name FROM spans_v3 ORDER BY 1)"), "the system does not trace its own ingest")
	})
	t.Run("SecondRefused", func(t *testing.T) {
		second := stack.Up(t)
		<-second.Done
		require.Contains(t, second.Output(), "another telemetryflow up (process "+strconv.Itoa(stack.Cmd.Process.Pid)+") uses "+stack.DataDir)
		require.Equal(t, 1, second.Cmd.ProcessState.ExitCode())
	})
	t.Run("PortTaken", func(t *testing.T) {
		other := *stack
		other.DataDir = filepath.Join(t.TempDir(), "data")
		second := other.Up(t)
		<-second.Done
		require.Contains(t, second.Output(), "port "+strconv.Itoa(stack.GRPCPort)+" is taken by telemetryflow-c (process ")
		require.Contains(t, second.Output(), "--otlp-grpc-port")
		require.Contains(t, second.Output(), "--otlp-http-port")
	})
	t.Run("Crashes", func(t *testing.T) {
		for _, program := range []string{"engine", "postgres", "redis-server", "standalone.yaml", "agent.yaml"} {
			before := child(t, stack, program)
			require.NotZero(t, before, program)
			require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
			require.Eventually(t, func() bool {
				after := child(t, stack, program)
				return after != 0 && after != before
			}, stacktest.Patience, stacktest.Often, "%s is started again", program)
		}
		require.Eventually(t, func() bool {
			status, _, err := stacktest.Post(t.Context(), http.DefaultClient, stack.HTTP, firstKey, stacktest.Span("after-crash"))
			return err == nil && status == http.StatusOK
		}, stacktest.Patience, stacktest.Often)
	})
	t.Run("CtrlC", func(t *testing.T) {
		children := descendants(t, stack.Cmd.Process.Pid)
		require.GreaterOrEqual(t, len(children), 5)
		require.NoError(t, stack.Cmd.Process.Signal(os.Interrupt))
		<-stack.Done
		require.Zero(t, stack.Cmd.ProcessState.ExitCode())
		requireGone(t, children)
	})
	t.Run("KeptData", func(t *testing.T) {
		stack.StartAgain(whole)
		require.Equal(t, firstKey, stack.Key)
		stack.AwaitSpans(t, "hello", 1)
		stacktest.SendSpan(t, http.DefaultClient, stack.HTTP, firstKey, "second-run")
		stack.AwaitSpans(t, "second-run", 1)
	})
	t.Run("Killed", func(t *testing.T) {
		children := descendants(t, stack.Cmd.Process.Pid)
		require.NoError(t, stack.Cmd.Process.Kill())
		<-stack.Done
		stack.StartAgain(whole) // at once: it waits for what the first left behind
		requireGone(t, children)
		stack.AwaitSpans(t, "second-run", 1)
	})
}

func shell(t *testing.T, line string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", "-c", line)
	command.Dir = stacktest.Root(t)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// processes lists the processes of this machine that have not ended: id, parent,
// command line.
func processes(t *testing.T) map[int]process {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	found := make(map[int]process)
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if fields[0] == "Z" {
			continue
		}
		id, err := strconv.Atoi(strings.Split(path, "/")[2])
		require.NoError(t, err)
		parent, err := strconv.Atoi(fields[1])
		require.NoError(t, err)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found[id] = process{parent: parent, line: strings.ReplaceAll(string(line), "\x00", " "), started: fields[19]}
	}
	return found
}

type process struct {
	parent  int
	line    string
	started string // with the id, names a process for good
}

// child is the id of the stack's child whose command line has the text, or 0.
func child(t *testing.T, stack *stacktest.Stack, text string) int {
	t.Helper()
	for id, p := range processes(t) {
		if p.parent == stack.Cmd.Process.Pid && strings.Contains(p.line, text) {
			return id
		}
	}
	return 0
}

func descendants(t *testing.T, ancestor int) map[int]process {
	t.Helper()
	all := processes(t)
	found := make(map[int]process)
	for id, p := range all {
		for parent := p.parent; parent > 1; parent = all[parent].parent {
			if parent == ancestor {
				found[id] = p
				break
			}
		}
	}
	return found
}

func requireGone(t *testing.T, once map[int]process) {
	t.Helper()
	now := processes(t)
	for id, p := range once {
		require.NotEqual(t, p.started, now[id].started, "still there: %d %s", id, p.line)
	}
}
