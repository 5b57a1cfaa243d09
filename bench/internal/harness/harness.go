//go:build linux

// Package harness lets benchmarks that are commands use the test kit.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// harness lets a command use the test kit, which starts servers for tests and ends
// them with the test. The embedded interface is nil: what the kit does not call is
// not here.
type harness struct {
	testing.TB
	ctx context.Context //nolint:containedctx // testing.TB hands out a context

	mu       sync.Mutex
	faults   []error
	cleanups []func()
}

// Run runs something, ends the servers that it has started, and returns its error or
// what the kit complained about.
func Run(ctx context.Context, do func(testing.TB) error) error {
	h := &harness{ctx: ctx}
	done := make(chan struct{})
	go func() { // FailNow ends this goroutine
		defer close(done)
		defer h.cleanUp()
		if err := do(h); err != nil {
			h.fail(err)
		}
	}()
	<-done
	return errors.Join(h.faults...)
}

func (h *harness) cleanUp() {
	for {
		h.mu.Lock()
		n := len(h.cleanups)
		if n == 0 {
			h.mu.Unlock()
			return
		}
		last := h.cleanups[n-1]
		h.cleanups = h.cleanups[:n-1]
		h.mu.Unlock()
		last()
	}
}

func (h *harness) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, err)
}

// The part of testing.TB that the test kit calls.

func (h *harness) Helper() {}

func (h *harness) Context() context.Context { return h.ctx }

func (h *harness) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

func (h *harness) Errorf(format string, arguments ...any) {
	h.fail(errors.New(strings.TrimSpace(fmt.Sprintf(format, arguments...))))
}

func (h *harness) Logf(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

func (h *harness) FailNow() { runtime.Goexit() }

func (h *harness) Failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.faults) > 0
}

func (h *harness) TempDir() string {
	dir, err := os.MkdirTemp("", "telemetryflow-bench-")
	if err != nil {
		h.fail(err)
		h.FailNow()
	}
	h.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			h.fail(err)
		}
	})
	return dir
}
