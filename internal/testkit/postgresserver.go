package testkit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// PostgresServer is a server with one migrated database that a test may kill and start
// again.
type PostgresServer struct {
	Database *PostgresDatabase

	server   *postgresServer
	settings []string
	running  bool
}

// NewPostgresServer starts a server for this test alone: a few seconds. Settings are
// arguments of the server, such as "-c", "fsync=on": without them it syncs nothing.
func NewPostgresServer(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	server, err := initPostgres()
	require.NoError(t, err)
	s := &PostgresServer{server: server, settings: settings}
	t.Cleanup(func() {
		s.Kill()
		require.NoError(t, os.RemoveAll(server.dir))
	})
	s.Start(t)
	require.NoError(t, server.migrateTemplate())
	s.Database = server.urls(templateDatabase)
	return s
}

// Start starts the server on its data.
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	require.False(t, s.running, "the PostgreSQL server runs already")
	watched := filepath.Join(s.server.dir, "run")
	require.NoError(t, os.MkdirAll(watched, 0o700))
	if as := s.server.as; as != nil {
		require.NoError(t, os.Chown(watched, int(as.Uid), int(as.Gid)))
	}
	require.NoError(t, s.server.start(watched, s.settings...))
	s.running = true
}

// Kill ends the server at once, all its sessions with it. The next start recovers.
func (s *PostgresServer) Kill() {
	if s.running {
		s.server.stop()
		s.running = false
	}
}

// Freeze stops the server in its tracks: connections stay, and nothing answers. Thaw
// lets it go on.
func (s *PostgresServer) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Thaw ends a Freeze.
func (s *PostgresServer) Thaw(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

// signal reaches the postmaster first, so that it makes no more of the others.
func (s *PostgresServer) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.server.dir, "data", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(content), "\n")
	postmaster, err := strconv.Atoi(first)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(postmaster, signal))
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster))
	require.NoError(t, err)
	for _, child := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(child)
		require.NoError(t, err)
		if err := syscall.Kill(pid, signal); !errors.Is(err, syscall.ESRCH) {
			require.NoError(t, err)
		}
	}
}
