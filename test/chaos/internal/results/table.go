package results

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// Print writes the table of all faults, what the known-bad builds showed, and the
// figures. It says whether all is as it must be.
func Print(out io.Writer, rounds []*Round) (good bool) {
	good = true
	faults, bad := map[string]*Round{}, map[string]*Round{}
	var all Round
	for _, r := range rounds {
		if r.KnownBad != "" {
			if before := bad[r.KnownBad]; before == nil || before.At.Before(r.At) {
				bad[r.KnownBad] = r
			}
			continue
		}
		if faults[r.Fault] == nil {
			faults[r.Fault] = &Round{Fault: r.Fault}
		}
		faults[r.Fault].add(r)
		all.add(r)
		good = good && r.Good()
	}
	printFaults(out, faults)
	caught := printKnownBad(out, bad)
	for _, figure := range [...]struct {
		name string
		n    int
	}{
		{"kills", all.Kills}, {"acked_lost", all.Lost}, {"doubled", all.Doubled},
		{"known_bad_caught", caught}, {"known_bad_total", len(bad)},
	} {
		fmt.Fprintf(out, "FIGURE %s %d\n", figure.name, figure.n)
	}
	return good && caught == len(bad)
}

func (r *Round) add(other *Round) {
	r.Times += other.Times
	r.Kills += other.Kills
	r.Idle += other.Idle
	r.Acked += other.Acked
	r.Refused += other.Refused
	r.Unknown += other.Unknown
	r.Lost += other.Lost
	r.Doubled += other.Doubled
	r.Ghosts += other.Ghosts
	r.Views = append(r.Views, other.Views...)
	r.Failed = cmp.Or(r.Failed, other.Failed)
	r.Recovery = max(r.Recovery, other.Recovery)
}

func printFaults(out io.Writer, faults map[string]*Round) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\ttimes\tnot counted\tacked\trefused\tunknown\tlost\tdoubled\tghosts\trecovers in\tverdict")
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		r := faults[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", r.Fault, r.Times-r.Idle, r.Idle, r.Acked, r.Refused, r.Unknown,
			r.Lost, r.Doubled, r.Ghosts, r.Recovery.Round(10*time.Millisecond), r.verdict())
	}
	_ = w.Flush()
}

func (r *Round) verdict() string {
	switch {
	case r.Good():
		return "good"
	case len(r.Views) > 0:
		return "BAD: " + r.Views[0]
	default:
		return "BAD " + r.Failed
	}
}

func printKnownBad(out io.Writer, bad map[string]*Round) (caught int) {
	if len(bad) == 0 {
		return 0
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nknown-bad build\tcheck\tlost\tdoubled\tghosts\tcaught")
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		r := bad[name]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%t\n", name, r.Fault, r.Lost, r.Doubled, r.Ghosts, r.Caught)
		if r.Caught {
			caught++
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	return caught
}
