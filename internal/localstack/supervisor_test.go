package localstack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience = time.Minute
	often    = 10 * time.Millisecond
)

// testSupervisor returns a supervisor whose processes and output end with the test.
func testSupervisor(t *testing.T, terminal io.Writer) (*supervisor, string) {
	t.Helper()
	folder := t.TempDir()
	held, err := acquireLocks(t.Context(), folder)
	require.NoError(t, err)
	out, err := newOutput(terminal, folder)
	require.NoError(t, err)
	s := newSupervisor(out, held.children)
	t.Cleanup(func() {
		s.stop()
		s.launcher.close()
		out.close()
		require.NoError(t, held.release())
	})
	return s, folder
}

// fileReady is ready when the script has written the file.
func fileReady(path string) func(context.Context) error {
	return func(context.Context) error {
		text, err := os.ReadFile(path)
		if err == nil && len(text) == 0 {
			return io.ErrUnexpectedEOF
		}
		return err
	}
}

func readPid(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

// gone is true when the process has ended, whether or not its parent knows yet.
func gone(pid int) func() bool {
	return func() bool {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return errors.Is(err, os.ErrNotExist) || strings.Contains(string(stat), ") Z ")
	}
}

func TestSupervisor_Start(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		var terminal strings.Builder
		s, folder := testSupervisor(t, &terminal)
		service := script("one", `echo hello; echo $$ >"$0/pid"; exec sleep 1000`, folder)
		service.Ready = fileReady(filepath.Join(folder, "pid"))
		require.NoError(t, s.start(t.Context(), service))
		pid := readPid(t, filepath.Join(folder, "pid"))
		s.stop()
		require.True(t, gone(pid)())
		require.Contains(t, terminal.String(), "one       | hello\n")
		logged, err := os.ReadFile(filepath.Join(folder, "one.log"))
		require.NoError(t, err)
		require.Equal(t, "hello\n", string(logged))
	})
	t.Run("ErrEnded", func(t *testing.T) {
		t.Parallel()
		s, _ := testSupervisor(t, io.Discard)
		service := script("one", "exit 3")
		service.Ready = func(context.Context) error { return io.EOF }
		require.EqualError(t, s.start(t.Context(), service), "one ended before it was ready: exit status 3")
	})
	t.Run("ErrNotReady", func(t *testing.T) {
		t.Parallel()
		s, _ := testSupervisor(t, io.Discard)
		service := script("one", "exec sleep 1000")
		service.Ready = func(context.Context) error { return io.EOF }
		service.StartTimeout = 50 * time.Millisecond
		require.EqualError(t, s.start(t.Context(), service), "one is not ready after 50ms: EOF")
	})
	t.Run("ErrCanceled", func(t *testing.T) {
		t.Parallel()
		s, _ := testSupervisor(t, io.Discard)
		ctx, cancel := context.WithCancel(t.Context())
		service := script("one", "exec sleep 1000")
		service.Ready = func(context.Context) error { cancel(); return io.EOF }
		require.ErrorIs(t, s.start(ctx, service), context.Canceled)
	})
	t.Run("ErrNoProgram", func(t *testing.T) {
		t.Parallel()
		s, _ := testSupervisor(t, io.Discard)
		service := script("one", "")
		service.Command = func() *exec.Cmd { return exec.Command("/no/such/program") }
		require.ErrorIs(t, s.start(t.Context(), service), os.ErrNotExist)
	})
}

func TestSupervisor_Restart(t *testing.T) {
	t.Parallel()
	var terminal lockedBuilder
	s, folder := testSupervisor(t, &terminal)
	path := filepath.Join(folder, "pid")
	service := script("one", `echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 1000`, path)
	service.Ready = fileReady(path)
	require.NoError(t, s.start(t.Context(), service))
	first := readPid(t, path)
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.Eventually(t, func() bool { return readPid(t, path) != first }, patience, often)
	require.Contains(t, terminal.String(), "one ended (signal: killed), starting it again in 500ms")
	second := readPid(t, path)
	s.stop()
	require.True(t, gone(second)())
}

func TestSupervisor_Stop(t *testing.T) {
	t.Parallel()
	t.Run("Hanging", func(t *testing.T) {
		t.Parallel()
		s, folder := testSupervisor(t, io.Discard)
		path := filepath.Join(folder, "pid")
		// Deaf to SIGTERM, with a child of its own that is deaf as well.
		service := script("one", `trap "" TERM; sleep 1000 & echo $! >"$0.new"; mv "$0.new" "$0"; wait`, path)
		service.Ready = fileReady(path)
		service.StopTimeout = 50 * time.Millisecond
		require.NoError(t, s.start(t.Context(), service))
		s.stop()
		require.Eventually(t, gone(readPid(t, path)), patience, often)
	})
	t.Run("Kill", func(t *testing.T) {
		t.Parallel()
		s, _ := testSupervisor(t, io.Discard)
		service := script("one", `trap "" TERM; while :; do sleep 1000; done`)
		service.StopTimeout = time.Hour
		require.NoError(t, s.start(t.Context(), service))
		close(s.kill)
		s.stop()
	})
	t.Run("Order", func(t *testing.T) {
		t.Parallel()
		s, folder := testSupervisor(t, io.Discard)
		for _, name := range []string{"first", "second"} {
			service := script(name, `trap "echo $1 >>$0/order; exit" TERM; echo x >"$0/$1"; while :; do sleep 0.01; done`, folder, name)
			service.Ready = fileReady(filepath.Join(folder, name))
			require.NoError(t, s.start(t.Context(), service))
		}
		s.stop()
		order, err := os.ReadFile(filepath.Join(folder, "order"))
		require.NoError(t, err)
		require.Equal(t, "second\nfirst\n", string(order))
	})
	t.Run("WhileBackingOff", func(t *testing.T) {
		t.Parallel()
		var terminal lockedBuilder
		s, _ := testSupervisor(t, &terminal)
		require.NoError(t, s.start(t.Context(), script("one", "exec sleep 0.1")))
		require.Eventually(t, func() bool { return strings.Contains(terminal.String(), "starting it again") }, patience, often)
		s.stop()
	})
}

// A killed supervisor leaves nothing, and the next one waits for the remains.
func TestSupervisor_Killed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), supervisorFolder+"="+folder)
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "up\n", line)

	_, err = acquireLocks(t.Context(), folder)
	require.ErrorContains(t, err, "another telemetryflow up (process "+strconv.Itoa(command.Process.Pid)+") uses "+folder)

	path := filepath.Join(folder, "pid")
	require.Eventually(t, func() bool { return fileReady(path)(t.Context()) == nil }, patience, often)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	held, err := acquireLocks(t.Context(), folder)
	require.NoError(t, err)
	require.NoError(t, held.release())
	require.Eventually(t, gone(readPid(t, path)), patience, often)
}
