//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// clocks are processor times at one moment.
type clocks struct {
	at                         time.Time
	collector, engine, machine time.Duration
	own                        time.Duration // of this program
}

func (b *bench) clocks(c *rig.Collector) (k clocks, err error) {
	k.at = time.Now()
	var faults [4]error
	k.collector, faults[0] = proc.CPU(c.PID)
	k.engine, faults[1] = proc.CPU(b.rig.Engine.PID)
	k.own, faults[2] = proc.CPU(os.Getpid())
	k.machine, faults[3] = proc.Busy()
	return k, errors.Join(faults[:]...)
}

func (s *sample) fill(before, after clocks) {
	s.engineFrom = before.engine
	s.collector, s.engine = after.collector-before.collector, after.engine-before.engine
	ours := s.collector + s.engine + s.load.CPU + after.own - before.own
	s.foreign = max(0, (after.machine-before.machine-ours).Seconds()) / after.at.Sub(before.at).Seconds()
}

// quietLook is for how long the machine is watched before a run.
const quietLook = time.Second

// quiet waits for the engine to settle, then says how much others keep the
// processors busy, as the kernel's pressure statistics have it.
func (b *bench) quiet(ctx context.Context) (float64, error) {
	if err := b.rig.Settle(ctx); err != nil {
		return 0, err
	}
	before, err := proc.Stalled()
	if err != nil {
		return 0, err
	}
	timer := time.NewTimer(quietLook)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := proc.Stalled()
	return float64(after-before) / float64(quietLook), err
}
