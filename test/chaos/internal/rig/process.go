//go:build linux

package rig

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// Process is a program that can be killed, stopped and started again on the data
// that it left.
type Process struct {
	*stacktest.Process
	owner       testing.TB // with which it ends
	program     string
	environment []string
	arguments   []string
	ready       string // URL that answers 200
}

// Launch starts the program and does not wait until it is ready.
func (p *Process) Launch() {
	p.owner.Helper()
	require.True(p.owner, p.Process == nil || p.Ended(), "it runs already")
	p.Process = stacktest.Run(p.owner, p.program, p.environment, p.arguments...)
	started := p.Process
	p.owner.Cleanup(func() { _ = started.Cmd.Process.Signal(syscall.SIGCONT) }) // so that it hears its SIGTERM
}

// Start starts the program and waits until it is ready. It returns how long that took.
func (p *Process) Start() time.Duration {
	p.owner.Helper()
	began := time.Now()
	p.Launch()
	p.AwaitReady()
	return time.Since(began)
}

// AwaitReady waits until the program answers.
func (p *Process) AwaitReady() {
	t := p.owner
	t.Helper()
	require.Eventually(t, func() bool {
		require.False(t, p.Ended(), "%s ended: %s", p.program, p.Output())
		return p.Ready()
	}, stacktest.Patience, 10*time.Millisecond, "%s is not ready", p.program)
}

// Ready reports whether the program answers at this moment.
func (p *Process) Ready() bool {
	client := http.Client{Timeout: time.Second}
	response, err := client.Get(p.ready)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Kill ends the program as a crash does, and returns when it was.
func (p *Process) Kill() time.Time {
	at := time.Now()
	_ = p.Cmd.Process.Kill()
	<-p.Done
	return at
}

// Freeze stops the program from running: its connections stay open and nothing is
// answered.
func (p *Process) Freeze() { _ = p.Cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets it run again.
func (p *Process) Thaw() { _ = p.Cmd.Process.Signal(syscall.SIGCONT) }

// Terminate asks the program to end, waits, and returns how long it took.
func (p *Process) Terminate() time.Duration {
	t := p.owner
	t.Helper()
	began := time.Now()
	require.NoError(t, p.Cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.Done:
	case <-time.After(stacktest.Patience):
		require.Fail(t, "it does not end", "%s\n%s", p.program, p.Output())
	}
	return time.Since(began)
}
