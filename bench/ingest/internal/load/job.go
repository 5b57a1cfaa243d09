package load

import (
	"fmt"
	"slices"
	"time"
)

// Job says what to send.
type Job struct {
	URL          string // base of OTLP/HTTP
	Keys         []Key  // one per tenant; none: requests carry no key
	Signals      []string
	Seed         uint64
	RequestItems int
	Bodies       int // different ones per signal
	Connections  int
	Start        time.Time // of the first readings of metrics

	Items int           // how many to send as fast as possible, or
	Rate  float64       // items per second to send at scheduled times,
	For   time.Duration // for so long
}

// Key is an API key.
type Key struct{ ID, Secret string }

// Result is what became of it.
type Result struct {
	Items      map[string]int // acknowledged, by signal
	Warm       map[string]int // acknowledged before the clock started
	ItemBytes  map[string]int // mean size of an item
	Requests   int
	Refused    int // answers that asked to try again, which was done
	First      time.Time
	Last       time.Time // the last acknowledgement
	Behind     time.Duration
	CPU        time.Duration // of this process
	Latency    map[string]Latency
	AllLatency Latency
}

// Latency of acknowledgements, from the time a request was due.
type Latency struct{ P50, P95, P99, Max time.Duration }

// Total is the number of acknowledged items.
func (r *Result) Total() (total int) {
	for _, items := range r.Items {
		total += items
	}
	return total
}

// Rows is how many rows of a signal must be stored.
func (r *Result) Rows(signal string) int { return r.Items[signal] + r.Warm[signal] }

func latencyOf(all []time.Duration) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))] }
	return Latency{P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: all[len(all)-1]}
}

func (j *Job) validate() error {
	if (j.Items > 0) == (j.Rate > 0) {
		return fmt.Errorf("a job has either items or a rate (got %d and %g)", j.Items, j.Rate)
	}
	if j.Connections < 1 || j.Bodies < j.Connections || j.RequestItems < 1 || len(j.Signals) == 0 {
		return fmt.Errorf("a job needs a signal, items in a request, and a body for each of its connections (got %+v)", *j)
	}
	return nil
}
