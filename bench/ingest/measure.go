//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// sample is what one run has shown.
type sample struct {
	load      *load.Result
	others    int           // items that were stored beside the load
	rows      int64         // more than were acknowledged when a retry doubled some
	wall      time.Duration // from the first request until every row could be counted
	drain     time.Duration // the part of it after the last acknowledgement
	collector time.Duration // processor time during it
	engine    time.Duration
	foreign   float64 // processors that others used during it
	stalled   float64 // share of the time before it in which some task waited for a processor
	rss       int64   // the collector's peak

	engineFrom time.Duration // the engine's processor time when it began
	merge      time.Duration // the engine's processor time to merge everything afterwards
	bytes      int64         // on disk after that
}

func (s *sample) rate() float64 { return float64(s.load.Total()) / s.wall.Seconds() }

// perMillion is processor seconds per million items.
func (s *sample) perMillion(of time.Duration) float64 {
	return of.Seconds() * 1e6 / float64(s.load.Total())
}

func (s *sample) cpu() float64         { return s.perMillion(s.collector + s.engine) }
func (s *sample) bytesPerRow() float64 { return float64(s.bytes) / float64(s.rows) }

// hooks are what a part does more in a run.
type hooks struct {
	name string
	// during works beside the load until its context ends, and says how many items
	// it has stored itself.
	during func(context.Context, *rig.Collector) (int, error)
	stored func(context.Context, *rig.Collector, *sample) error // called when every row is stored
}

// measure is one run: a new collector and database, and a load from its first
// request until its last row can be counted.
func (b *bench) measure(ctx context.Context, p *rig.Pipeline, job load.Job, more hooks) (s *sample, err error) {
	b.runs++
	c, err := b.rig.Start(ctx, p, fmt.Sprintf("bench_%d", b.runs))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	job.URL, job.Seed = c.URL, b.options.seed
	if p.Ours {
		job.Keys = b.keys
	}
	sender, err := load.Start(ctx, &job, loadArgument)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.Output())
	}
	s = &sample{}
	if s.stalled, err = b.quiet(ctx); err != nil {
		return nil, err
	}
	before, err := b.clocks(c)
	if err != nil {
		return nil, err
	}
	await := b.beside(ctx, c, more, job)
	s.load, err = sender.Run()
	s.others, err = await(err)
	if err == nil {
		err = b.awaitStored(ctx, c, p, job, s)
	}
	after, clockErr := b.clocks(c)
	if err = errors.Join(err, clockErr); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.Output())
	}
	s.fill(before, after)
	if s.rss, err = proc.PeakRSS(c.PID); err != nil {
		return nil, err
	}
	if more.stored != nil {
		err = more.stored(ctx, c, s)
	}
	return s, err
}

// beside runs the hook and the profiler beside the load. The returned function
// waits for both, once the load has ended with an error or none.
func (b *bench) beside(ctx context.Context, c *rig.Collector, more hooks, job load.Job) func(error) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	faults, items := [2]error{}, 0
	var group sync.WaitGroup
	if more.during != nil {
		group.Go(func() { items, faults[0] = more.during(ctx, c) })
	}
	if b.options.profiles != "" {
		length := max(job.For, profileLength)
		file := filepath.Join(b.options.profiles, more.name+".pprof")
		group.Go(func() { faults[1] = c.Profile(context.WithoutCancel(ctx), length, file) })
	}
	return func(fault error) (int, error) {
		cancel()
		group.Wait()
		return items, errors.Join(fault, faults[0], faults[1])
	}
}

// profileLength is what is profiled of a load that is as fast as possible: choose
// -items so that it lasts longer.
const profileLength = 10 * time.Second

// Bounds of awaitStored.
const (
	countEvery   = 25 * time.Millisecond
	stuckWithout = 60 * time.Second // a new row
)

// awaitStored waits until all acknowledged items can be counted.
func (b *bench) awaitStored(ctx context.Context, c *rig.Collector, p *rig.Pipeline, job load.Job, s *sample) error {
	want := int64(s.others)
	for _, signal := range job.Signals {
		want += int64(s.load.Rows(signal))
	}
	ticker := time.NewTicker(countEvery)
	defer ticker.Stop()
	grown := time.Now()
	for {
		stored, err := p.Stored(ctx, b.rig.Engine, c.Database, job.Signals)
		if err != nil {
			return err
		}
		now := time.Now()
		if stored > s.rows {
			s.rows, grown = stored, now
		}
		if stored >= want {
			s.wall, s.drain = now.Sub(s.load.First), now.Sub(s.load.Last)
			return nil
		}
		if now.Sub(grown) > stuckWithout {
			return fmt.Errorf("%s: %d of %d acknowledged items are stored and no more come", p.Name, stored, want)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
