//go:build linux

package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// The parts of the benchmark.
const (
	partCPU       = "cpu"       // each signal alone: processor time, memory, space
	partMixed     = "mixed"     // all signals together: the highest rate
	partLatency   = "latency"   // all signals at a fixed rate: acknowledgement, and when rows can be read
	partShare     = "share"     // the engine's work beside that for ideal blocks
	partSustained = "sustained" // a high fixed rate, held
)

var allParts = []string{partCPU, partMixed, partLatency, partShare, partSustained}

// options are the command's settings.
type options struct {
	parts     []string
	pipelines []*rig.Pipeline // ours first
	rounds    int
	items     int
	request   int
	instances int
	tenants   int
	profiles  string
	seed      uint64

	connections int

	latencyRate    float64
	latencyFor     time.Duration
	latencyRequest int

	sustainedRate float64
	sustainedFor  time.Duration
}

func parseOptions(arguments []string) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("ingest", flag.ContinueOnError)
	parts := set.String("parts", strings.Join(allParts, ","), "what to measure")
	var names []string
	for _, p := range rig.Pipelines() {
		names = append(names, p.Name)
	}
	pipelines := set.String("pipelines", strings.Join(names, ","), "which pipelines, ours included")
	set.IntVar(&o.rounds, "rounds", 5, "rounds, in each of which every pipeline has its turn")
	set.IntVar(&o.items, "items", 2_000_000, "items of a run that is as fast as possible; in shorter ones, what a process does once weighs more")
	set.IntVar(&o.request, "request-items", 512, "items of a request, by default what SDKs send at most")
	set.IntVar(&o.instances, "instances", 32, "instances of services that send, each with as many series as a request has items")
	set.IntVar(&o.tenants, "tenants", 4, "tenants, with a key each, that the instances belong to (ours only)")
	set.IntVar(&o.connections, "connections", 32, "connections that send")
	set.Float64Var(&o.latencyRate, "latency-rate", 15_000, "items per second of the latency part")
	set.DurationVar(&o.latencyFor, "latency-for", 30*time.Second, "length of a run of the latency part")
	set.IntVar(&o.latencyRequest, "latency-request-items", 100, "items of a request of the latency part")
	set.Float64Var(&o.sustainedRate, "sustained-rate", 61_000, "items per second of the sustained part")
	set.DurationVar(&o.sustainedFor, "sustained-for", 5*time.Minute, "length of the sustained part")
	set.StringVar(&o.profiles, "profiles", "", "folder for CPU profiles of the collectors; empty for none, which is how to take figures")
	set.Uint64Var(&o.seed, "seed", 1, "of the generated data")
	if err := set.Parse(arguments); err != nil {
		return nil, err
	}
	return o, o.resolve(*parts, *pipelines)
}

func (o *options) resolve(parts, pipelines string) error {
	o.parts = strings.Split(parts, ",")
	for _, part := range o.parts {
		if !slices.Contains(allParts, part) {
			return fmt.Errorf("-parts: %q is not one of %s", part, strings.Join(allParts, ", "))
		}
	}
	wanted := strings.Split(pipelines, ",")
	for _, p := range rig.Pipelines() {
		if slices.Contains(wanted, p.Name) {
			o.pipelines = append(o.pipelines, p)
		}
	}
	if len(o.pipelines) != len(wanted) || !o.pipelines[0].Ours {
		return fmt.Errorf("-pipelines: want %q and names of others, got %q", rig.Ours, pipelines)
	}
	if o.connections > o.instances {
		return fmt.Errorf("-connections must not be above -instances, which send over one each (got %d and %d)", o.connections, o.instances)
	}
	return nil
}

func (o *options) has(part string) bool { return slices.Contains(o.parts, part) }
