//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// A run is marked as noisy beyond these: others used so many processors during it,
// or kept them so busy before it that tasks had to wait for such a share of time.
const (
	noisyForeign = 0.15
	noisyStalled = 0.10
)

// report collects what the runs show, and prints it.
type report struct {
	out       io.Writer
	options   *options
	workloads []string
	samples   map[string]map[string][]*sample // by workload and pipeline
	shares    []share
	readable  []time.Duration // after the acknowledgement
	unread    int             // markers that were never found
	noisy     int
	runs      int
}

func newReport(out io.Writer, o *options) *report {
	return &report{out: out, options: o, samples: map[string]map[string][]*sample{}}
}

func (r *report) printf(format string, arguments ...any) { fmt.Fprintf(r.out, format, arguments...) }

// settings says what is measured.
func (r *report) settings() {
	o := r.options
	for _, p := range o.pipelines {
		r.printf("%-16s %s\n", p.Name, p.About)
	}
	r.printf("load: %d items per run in requests of %d over %d connections, OTLP/HTTP protobuf without compression, "+
		"%d instances of services of %d tenants, seed %d\n", o.items, o.request, o.connections, o.instances, o.tenants, o.seed)
}

// add takes a run and shows it.
func (r *report) add(workload, pipeline string, s *sample) {
	if r.samples[workload] == nil {
		r.samples[workload] = map[string][]*sample{}
		r.workloads = append(r.workloads, workload)
	}
	r.samples[workload][pipeline] = append(r.samples[workload][pipeline], s)
	r.printf("%-9s %-16s %8.0f items/s  CPU s/M %6.2f (collector %5.2f, engine %5.2f; load %4.2f)  RSS %4d MiB  ack ms %s  stored %.1f s after the last ack",
		workload, pipeline, s.rate(), s.cpu(), s.perMillion(s.collector), s.perMillion(s.engine), s.perMillion(s.load.CPU),
		s.rss>>20, milliseconds(s.load.AllLatency.P50, s.load.AllLatency.P95, s.load.AllLatency.P99), s.drain.Seconds())
	if s.bytes > 0 {
		r.printf("  %.1f B/row after merges of %.2f s/M", s.bytesPerRow(), s.perMillion(s.merge))
	}
	if s.load.Refused > 0 {
		r.printf("  %d of %d requests sent again", s.load.Refused, s.load.Requests)
	}
	if doubled := s.rows - int64(s.load.Total()+s.warm()+s.others); doubled > 0 {
		r.printf("  %d rows doubled", doubled)
	}
	r.runs++
	if s.foreign > noisyForeign || s.stalled > noisyStalled {
		r.noisy++
		r.printf("  NOISY: others used %.2f processors, %.0f %% stalled before", s.foreign, 100*s.stalled)
	}
	r.printf("\n")
}

func (s *sample) warm() (items int) {
	for _, n := range s.load.Warm {
		items += n
	}
	return items
}

func milliseconds(of ...time.Duration) (text string) {
	for i, one := range of {
		if i > 0 {
			text += "/"
		}
		text += fmt.Sprintf("%.1f", float64(one)/1e6)
	}
	return text
}

// queryable takes the markers of a run.
func (r *report) queryable(m *markers) {
	r.readable = append(r.readable, m.found...)
	r.unread += len(m.acked)
	r.printf("%-9s %d markers could be read after ms %s; %d never\n", "", len(m.found), milliseconds(percentiles(m.found)...), len(m.acked))
}

// percentiles are p50, p95 and p99.
func percentiles(of []time.Duration) []time.Duration {
	if len(of) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(of))
	at := func(share float64) time.Duration { return sorted[int(share*float64(len(sorted)-1))] }
	return []time.Duration{at(0.50), at(0.95), at(0.99)}
}

// share takes a comparison with ideal blocks.
func (r *report) share(s share) {
	r.shares = append(r.shares, s)
	r.printf("%-9s engine CPU s/M until stored: ideal blocks %.2f, exporter %.2f; until merges settled: %.2f, %.2f\n", "",
		s.ideal.stored, s.exporter.stored, s.ideal.settled, s.exporter.settled)
}
