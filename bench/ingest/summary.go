//go:build linux

package main

import (
	"math"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// contribSpan is what the steps of the upstream pipeline cost when each is measured
// alone, in µs per span: decoding, row append, the queue, the insert.
const contribSpan = "21-25"

// measureOf is one column of the table of medians.
type measureOf struct {
	name   string
	format string
	of     func(*sample) float64
}

var columns = []measureOf{
	{"items/s", "%.0f", (*sample).rate},
	{"CPU s/M", "%.2f", (*sample).cpu},
	{"RSS MiB", "%.0f", func(s *sample) float64 { return float64(s.rss >> 20) }},
	{"ack p50 ms", "%.1f", func(s *sample) float64 { return float64(s.load.AllLatency.P50) / 1e6 }},
	{"p95", "%.1f", func(s *sample) float64 { return float64(s.load.AllLatency.P95) / 1e6 }},
	{"p99", "%.1f", func(s *sample) float64 { return float64(s.load.AllLatency.P99) / 1e6 }},
	{"B/row", "%.1f", func(s *sample) float64 { return s.bytesPerRow() }},
}

// summary prints medians, ratios and figures.
func (r *report) summary() {
	r.printf("\nmedians (least-most)\n")
	for _, workload := range r.workloads {
		for _, p := range r.options.pipelines {
			samples := r.samples[workload][p.Name]
			if len(samples) == 0 {
				continue
			}
			r.printf("%-9s %-16s", workload, p.Name)
			for _, c := range columns {
				if values := valuesOf(samples, c.of); values[0] > 0 {
					r.printf("  %s %s", c.name, spreadOf(values).show(c.format))
				}
			}
			r.printf("\n")
		}
	}
	if r.options.has(partCPU) {
		for _, p := range r.options.pipelines[1:] {
			r.printf("%s: %.1f µs per span; its steps measured alone sum up to %s\n",
				p.Name, spreadOf(valuesOf(r.samples[corpus.Traces][p.Name], (*sample).cpu)).median, contribSpan)
		}
	}
	r.printf("%d of %d runs were noisy\n\n", r.noisy, r.runs)
	r.figures()
}

func (r *report) figures() {
	lower, higher := false, true
	if r.options.has(partCPU) {
		for _, signal := range signals {
			r.ratio("ingest_cpu_ratio_"+signal, signal, (*sample).cpu, lower)
		}
		for _, signal := range signals {
			r.ratio("bytes_per_row_ratio_"+signal, signal, (*sample).bytesPerRow, lower)
		}
	}
	if r.options.has(partMixed) {
		r.ratio("ingest_rate_ratio", partMixed, (*sample).rate, higher)
		r.ratio("ingest_rss_ratio", partMixed, func(s *sample) float64 { return float64(s.rss) }, lower)
	}
	if len(r.shares) > 0 {
		var stored, settled []float64
		for _, s := range r.shares {
			stored = append(stored, s.ideal.stored/s.exporter.stored)
			settled = append(settled, s.ideal.settled/s.exporter.settled)
		}
		r.printf("ingest_engine_share: %s; until the last row was stored %s\n", spreadOf(settled).show("%.2f"), spreadOf(stored).show("%.2f"))
		r.figure("ingest_engine_share", "%.2f", spreadOf(settled).median)
	}
	if samples := r.samples[partSustained][rig.Ours]; len(samples) > 0 {
		r.figure("sustained_items_per_s", "%.0f", samples[0].rate())
	}
	if samples := r.samples[partLatency][rig.Ours]; len(samples) > 0 {
		p95 := func(s *sample) float64 { return float64(s.load.AllLatency.P95) / 1e6 }
		r.printf("ack_p95_ms: %s\n", spreadOf(valuesOf(samples, p95)).show("%.1f"))
		r.figure("ack_p95_ms", "%.1f", spreadOf(valuesOf(samples, p95)).median)
		if all := percentiles(r.readable); all != nil {
			r.figure("accepted_to_queryable_p95_ms", "%.0f", float64(all[1])/1e6)
		}
	}
}

// ratio is ours over the best of the others, round by round.
func (r *report) ratio(name, workload string, of func(*sample) float64, higherIsBetter bool) {
	ours, best, bestMedian := valuesOf(r.samples[workload][rig.Ours], of), spread{}, math.NaN()
	for _, p := range r.options.pipelines[1:] {
		theirs := valuesOf(r.samples[workload][p.Name], of)
		ratios := make([]float64, len(theirs))
		for i := range theirs {
			ratios[i] = ours[i] / theirs[i]
		}
		r.printf("%s: %s of %s\n", name, spreadOf(ratios).show("%.3f"), p.Name)
		median := spreadOf(theirs).median
		if math.IsNaN(bestMedian) || (median > bestMedian) == higherIsBetter {
			best, bestMedian = spreadOf(ratios), median
		}
	}
	if !math.IsNaN(bestMedian) {
		r.figure(name, "%.3f", best.median)
	}
}

func (r *report) figure(name, format string, value float64) {
	r.printf("FIGURE %s "+format+"\n", name, value)
}

func valuesOf(samples []*sample, of func(*sample) float64) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	return values
}
