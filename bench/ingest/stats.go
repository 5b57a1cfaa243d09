//go:build linux

package main

import (
	"fmt"
	"slices"
)

// spread is what the rounds of one measure gave.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, least: sorted[0], most: sorted[n-1]}
}

// show writes the median and, when there were several rounds, the ends.
func (s spread) show(format string) string {
	if s.least == s.most {
		return fmt.Sprintf(format, s.median)
	}
	return fmt.Sprintf(format+" ("+format+"-"+format+")", s.median, s.least, s.most)
}
