//go:build linux

package stacktest

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// How long a test waits for what should come soon, and how often it looks.
const (
	Patience = 4 * time.Minute // on a machine whose disk others keep busy
	Often    = 50 * time.Millisecond
)

// Process is a program that a test started. It ends with the test, and with the
// test binary when that is killed.
type Process struct {
	Cmd    *exec.Cmd
	Done   chan struct{} // closed when it has ended
	output *buffer
}

// Run starts a program with more variables in its environment.
func Run(t testing.TB, program string, environment []string, arguments ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(program, arguments...), Done: make(chan struct{}), output: &buffer{}}
	p.Cmd.Env = append(os.Environ(), environment...)
	p.Cmd.Dir = t.TempDir()
	p.Cmd.Stdout, p.Cmd.Stderr = p.output, p.output
	p.Cmd.WaitDelay = time.Second
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	require.NoError(t, p.Cmd.Start())
	go func() {
		_ = p.Cmd.Wait()
		close(p.Done)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", strings.Join(p.Cmd.Args, " "), p.Output())
		}
	})
	return p
}

// Stop ends the process with SIGTERM, and after half a minute with SIGKILL.
func (p *Process) Stop() {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	select {
	case <-p.Done:
	case <-ctx.Done():
		_ = p.Cmd.Process.Kill()
		<-p.Done
	}
}

// Output is what the process has written so far.
func (p *Process) Output() string { return p.output.String() }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.Done:
		return true
	default:
		return false
	}
}

// AwaitOK waits until a URL answers 200, or fails when the process ends.
func (p *Process) AwaitOK(t testing.TB, url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		response, err := http.Get(url)
		if err != nil {
			return p.Ended()
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, Patience, Often, "%s does not answer", url)
	require.False(t, p.Ended(), "it ended: %s", p.Output())
}

// buffer collects output while it is read.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
