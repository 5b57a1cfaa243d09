//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// openConnections is how many connections a load at a fixed rate has for each that
// a load as fast as possible has: a request must not wait for another's answer.
const openConnections = 4

func (b *bench) atRate(rate float64, length time.Duration, request int) load.Job {
	connections := b.options.connections * openConnections
	return load.Job{
		Signals: signals, RequestItems: request, Bodies: connections, Connections: connections,
		Start: readingsFrom(), Rate: rate, For: length,
	}
}

// latency sends at a fixed rate and looks at acknowledgements, and through our
// pipeline also at when rows can be read.
func (b *bench) latency(ctx context.Context) error {
	job := b.atRate(b.options.latencyRate, b.options.latencyFor, b.options.latencyRequest)
	for _, p := range b.options.pipelines {
		more := hooks{name: partLatency + "-" + p.Name}
		var marks *markers
		if p.Ours {
			more.during = func(ctx context.Context, c *rig.Collector) (items int, err error) {
				marks, items, err = b.mark(ctx, c)
				return items, err
			}
		}
		s, err := b.measure(ctx, p, job, more)
		if err != nil {
			return fmt.Errorf("%s through %s: %w", partLatency, p.Name, err)
		}
		b.report.add(partLatency, p.Name, s)
		if marks != nil {
			b.report.queryable(marks)
		}
	}
	return nil
}

// sustained holds a high rate through our pipeline.
func (b *bench) sustained(ctx context.Context) error {
	job := b.atRate(b.options.sustainedRate, b.options.sustainedFor, b.options.request)
	ours := b.options.pipelines[0]
	s, err := b.measure(ctx, ours, job, hooks{name: partSustained + "-" + ours.Name})
	if err != nil {
		return fmt.Errorf("%s through %s: %w", partSustained, ours.Name, err)
	}
	fmt.Fprintln(b.report.out)
	b.report.add(partSustained, ours.Name, s)
	return nil
}
