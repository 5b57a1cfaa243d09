//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// percentile is the least of the values that p of 100 do not exceed.
func percentile(values []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func figure(out io.Writer, name string, value float64) {
	fmt.Fprintf(out, "FIGURE %s %.3f\n", name, value)
}
