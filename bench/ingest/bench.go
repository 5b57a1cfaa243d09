//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// signals in the order of the report.
var signals = []string{corpus.Traces, corpus.Logs, corpus.Metrics}

// bench is one run of the command.
type bench struct {
	options *options
	rig     *rig.Rig
	keys    []load.Key
	marker  rig.Tenant // whose rows only the markers are
	runs    int
	report  *report
}

func benchmark(t testing.TB, o *options, out io.Writer) error {
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o750); err != nil {
			return fmt.Errorf("make the folder of profiles: %w", err)
		}
	}
	servers, err := rig.New(t, o.tenants+1)
	if err != nil {
		return err
	}
	b := &bench{options: o, rig: servers, marker: servers.Tenants[o.tenants], report: newReport(out, o)}
	for _, one := range servers.Tenants[:o.tenants] {
		b.keys = append(b.keys, one.Key)
	}
	b.report.settings()
	for round := range o.rounds {
		if err := b.round(t.Context(), round); err != nil {
			return err
		}
	}
	if o.has(partSustained) {
		if err := b.sustained(t.Context()); err != nil {
			return err
		}
	}
	b.report.summary()
	return nil
}

// round gives every pipeline its turn in every part.
func (b *bench) round(ctx context.Context, round int) error {
	fmt.Fprintf(b.report.out, "\nround %d of %d\n", round+1, b.options.rounds)
	if b.options.has(partCPU) {
		for _, signal := range signals {
			if err := b.each(ctx, signal, b.full(signal), b.weigh); err != nil {
				return err
			}
		}
	}
	if b.options.has(partMixed) {
		if err := b.each(ctx, partMixed, b.full(signals...), nil); err != nil {
			return err
		}
	}
	if b.options.has(partLatency) {
		if err := b.latency(ctx); err != nil {
			return err
		}
	}
	if b.options.has(partShare) {
		return b.share(ctx)
	}
	return nil
}

// each runs a job through every pipeline; stored, if any, looks at what it stored.
func (b *bench) each(ctx context.Context, name string, job load.Job, stored func(context.Context, *rig.Collector, *sample) error) error {
	for _, p := range b.options.pipelines {
		s, err := b.measure(ctx, p, job, hooks{name: name + "-" + p.Name, stored: stored})
		if err != nil {
			return fmt.Errorf("%s through %s: %w", name, p.Name, err)
		}
		b.report.add(name, p.Name, s)
	}
	return nil
}

// full is a load as fast as possible.
func (b *bench) full(of ...string) load.Job {
	return load.Job{
		Signals: of, RequestItems: b.options.request, Bodies: b.options.instances, Connections: b.options.connections,
		Start: readingsFrom(), Items: b.options.items,
	}
}

// readingsFrom is far enough back that the readings of a run lie in the past.
func readingsFrom() time.Time { return time.Now().Add(-4 * time.Hour).Truncate(time.Second) }

// weigh merges what a run has stored, and asks for its size.
func (b *bench) weigh(ctx context.Context, c *rig.Collector, s *sample) error {
	if err := b.rig.Settle(ctx); err != nil {
		return err
	}
	if err := b.rig.Engine.Merge(ctx, c.Database); err != nil {
		return err
	}
	now, err := proc.CPU(b.rig.Engine.PID)
	if err != nil {
		return err
	}
	s.merge = now - s.engineFrom - s.engine
	s.bytes, err = b.rig.Engine.Bytes(ctx, c.Database)
	return err
}
