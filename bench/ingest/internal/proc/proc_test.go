//go:build linux

package proc_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
)

// A process that works shows in its own time and in the machine's.
func TestCPU(t *testing.T) {
	t.Parallel()
	before, err := proc.CPU(os.Getpid())
	require.NoError(t, err)
	machineBefore, err := proc.Busy()
	require.NoError(t, err)
	sum := 0
	require.Eventually(t, func() bool {
		for i := range 10_000_000 {
			sum += i
		}
		now, err := proc.CPU(os.Getpid())
		return err == nil && now-before >= 50*time.Millisecond
	}, time.Minute, time.Millisecond)
	machine, err := proc.Busy()
	require.NoError(t, err)
	require.Greater(t, machine, machineBefore)
	_, err = proc.CPU(-1)
	require.Error(t, err)
}

func TestPeakRSS(t *testing.T) {
	t.Parallel()
	peak, err := proc.PeakRSS(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, peak, int64(1<<20))
}

func TestStalled(t *testing.T) {
	t.Parallel()
	before, err := proc.Stalled()
	require.NoError(t, err)
	after, err := proc.Stalled()
	require.NoError(t, err)
	require.GreaterOrEqual(t, after, before)
}
