package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
)

// generator is a job that is ready to run.
type generator struct {
	job     *Job
	senders []*sender
	result  *Result
}

// prepare encodes every body and lets each key be used once, so that neither the
// encoding nor the first verification of a key is measured.
func prepare(ctx context.Context, job *Job) (*generator, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	g := &generator{job: job, result: &Result{Items: map[string]int{}, Warm: map[string]int{}, ItemBytes: map[string]int{}, Latency: map[string]Latency{}}}
	owners := max(1, len(job.Keys))
	shares := make([][]*corpus.Body, job.Connections)
	for _, signal := range job.Signals {
		config := corpus.Config{Seed: job.Seed, RequestItems: job.RequestItems, Bodies: job.Bodies, Owners: owners, Start: job.Start}
		bodies, err := corpus.New(config, signal)
		if err != nil {
			return nil, err
		}
		for i, body := range bodies {
			shares[i%job.Connections] = append(shares[i%job.Connections], body)
			g.result.ItemBytes[signal] += body.Size()
		}
		g.result.ItemBytes[signal] /= job.Bodies * job.RequestItems
		if err := g.warm(ctx, config, signal); err != nil {
			return nil, fmt.Errorf("send the first %s: %w", signal, err)
		}
	}
	for i, share := range shares {
		s := newSender(job, interleave(share, len(job.Signals)))
		s.next = i % len(share) // not all connections begin with the same signal
		g.senders = append(g.senders, s)
	}
	return g, nil
}

// warm sends one item for each owner.
func (g *generator) warm(ctx context.Context, config corpus.Config, signal string) error {
	config.RequestItems, config.Bodies = 1, config.Owners
	bodies, err := corpus.New(config, signal)
	if err != nil {
		return err
	}
	s := newSender(g.job, bodies)
	defer s.client.CloseIdleConnections()
	for range bodies {
		if err := s.send(ctx, time.Now()); err != nil {
			return err
		}
	}
	g.result.Warm[signal] = s.items[signal]
	return nil
}

// interleave makes signals take turns in what was listed signal after signal.
func interleave(bodies []*corpus.Body, signals int) []*corpus.Body {
	each := len(bodies) / signals
	mixed := make([]*corpus.Body, 0, len(bodies))
	for i := range each {
		for signal := range signals {
			mixed = append(mixed, bodies[signal*each+i])
		}
	}
	return mixed
}

// run sends everything and reports.
func (g *generator) run(ctx context.Context) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before := ownCPU()
	g.result.First = time.Now()
	due := g.schedule(g.result.First)
	var group sync.WaitGroup
	faults := make([]error, len(g.senders))
	for i, s := range g.senders {
		group.Go(func() {
			for {
				at, more := due()
				if !more {
					return
				}
				if faults[i] = s.sendAt(ctx, at); faults[i] != nil {
					cancel()
					return
				}
			}
		})
	}
	group.Wait()
	g.result.CPU = ownCPU() - before
	g.collect()
	return g.result, firstCause(faults)
}

// schedule returns a function that says when the next request is due. A load as
// fast as possible has every request due at once, when its connection is free.
func (g *generator) schedule(first time.Time) func() (time.Time, bool) {
	var taken atomic.Int64
	if g.job.Rate == 0 {
		requests := int64((g.job.Items + g.job.RequestItems - 1) / g.job.RequestItems)
		return func() (time.Time, bool) { return time.Now(), taken.Add(1) <= requests }
	}
	interval := time.Duration(float64(time.Second) * float64(g.job.RequestItems) / g.job.Rate)
	requests := int64(g.job.For / interval)
	return func() (time.Time, bool) {
		n := taken.Add(1)
		return first.Add(time.Duration(n-1) * interval), n <= requests
	}
}

func (g *generator) collect() {
	var all []time.Duration
	latencies := map[string][]time.Duration{}
	for _, s := range g.senders {
		g.result.Requests += s.requests
		g.result.Refused += s.refused
		g.result.Behind = max(g.result.Behind, s.behind)
		if s.last.After(g.result.Last) {
			g.result.Last = s.last
		}
		for signal, items := range s.items {
			g.result.Items[signal] += items
			latencies[signal] = append(latencies[signal], s.latencies[signal]...)
			all = append(all, s.latencies[signal]...)
		}
	}
	for signal, taken := range latencies {
		g.result.Latency[signal] = latencyOf(taken)
	}
	g.result.AllLatency = latencyOf(all)
}

// firstCause leaves out the senders that were only told to stop.
func firstCause(faults []error) error {
	for _, fault := range faults {
		if fault != nil && !errors.Is(fault, context.Canceled) {
			return fault
		}
	}
	return errors.Join(faults...)
}

func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
