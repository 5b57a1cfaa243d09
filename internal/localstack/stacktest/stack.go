//go:build linux

package stacktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

// Stack is a running `telemetryflow up`.
type Stack struct {
	*Process
	DataDir  string
	GRPCPort int
	HTTPPort int
	HTTP     string // base URL of OTLP/HTTP
	API      string // base URL of the query server
	State    *localstack.State
	Key      localstack.Key
}

// Start runs a stack on a new data folder until the test ends.
func Start(t testing.TB) *Stack {
	t.Helper()
	folder, err := os.MkdirTemp("", "stacktest-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o711)) // the servers run as another account
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	s := &Stack{DataDir: filepath.Join(folder, "data"), GRPCPort: FreePort(t), HTTPPort: FreePort(t)}
	s.HTTP = "http://127.0.0.1:" + strconv.Itoa(s.HTTPPort)
	s.StartAgain(t)
	return s
}

// Up starts `telemetryflow up` on the stack's folder and ports.
func (s *Stack) Up(t testing.TB) *Process {
	t.Helper()
	port := FreePort(t)
	s.API = "http://localhost:" + strconv.Itoa(port)
	return Run(t, Program(t, "telemetryflow"), nil, "up", "--data-dir", s.DataDir,
		"--otlp-grpc-port", strconv.Itoa(s.GRPCPort), "--otlp-http-port", strconv.Itoa(s.HTTPPort), "--query-port", strconv.Itoa(port))
}

// StartAgain starts a stack that has ended, on the data that it left.
func (s *Stack) StartAgain(t testing.TB) {
	t.Helper()
	s.Process = s.Up(t)
	require.Eventually(t, func() bool { return s.Ended() || strings.Contains(s.Output(), "Read it back:") },
		Patience, Often, "the stack is not ready")
	require.False(t, s.Ended(), "it ended: %s", s.Output())
	var err error
	s.State, err = localstack.LoadState(s.DataDir)
	require.NoError(t, err)
	s.Key = s.readKey(t, "first-key")
}

// SystemKey is the key of the system's own telemetry.
func (s *Stack) SystemKey(t testing.TB) localstack.Key { return s.readKey(t, "system-key") }

func (s *Stack) readKey(t testing.TB, file string) localstack.Key {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, file))
	require.NoError(t, err)
	id, secret, found := strings.Cut(strings.TrimSpace(string(text)), ":")
	require.True(t, found)
	return localstack.Key{ID: id, Secret: secret}
}

// Query asks the engine and returns the answer as tab-separated lines.
func (s *Stack) Query(t testing.TB, query string, arguments ...any) string {
	t.Helper()
	var answer strings.Builder
	require.NoError(t, s.State.Query(t.Context(), fmt.Sprintf(query, arguments...), "TabSeparated", &answer))
	return strings.TrimSpace(answer.String())
}

// AwaitQuery waits until a query answers what is wanted: what was acknowledged is in
// the log, and soon in ClickHouse.
func (s *Stack) AwaitQuery(t testing.TB, want, query string, arguments ...any) {
	t.Helper()
	got := ""
	require.Eventually(t, func() bool {
		got = s.Query(t, query, arguments...)
		return got == want
	}, Patience, Often, "%s: want %s", fmt.Sprintf(query, arguments...), want)
}

// AwaitSpans waits until exactly n spans of a service are stored.
func (s *Stack) AwaitSpans(t testing.TB, service string, n int) {
	t.Helper()
	s.AwaitQuery(t, strconv.Itoa(n), "SELECT count() FROM spans_v3 WHERE service_name = '%s'", service)
}
