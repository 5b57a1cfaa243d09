package promql

import (
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
)

// counting are the functions that look at a counter's increase only.
func counting(function string) bool {
	switch function {
	case "rate", "increase", "irate", "resets":
		return true
	}
	return false
}

// cumulate makes running sums of deltas, and leaves out what is older than from.
//
// A series that has a point before from began earlier, at a value that is not known and
// makes no difference to an increase, except that Prometheus does not extrapolate a counter
// below zero. So it begins at twice what it comes to: no extrapolation reaches zero, which
// is further away than all of the increase (promql.extrapolatedRate goes by 1.1 times the
// interval of the samples at most). One that has none begins at zero, as a counter does.
func cumulate(s *samples, from int64, counts bool) error {
	begun := counts && len(s.times) > 0 && s.times[0] < from
	if err := cumulateNumbers(s, begun); err != nil {
		return err
	}
	if s.histograms != nil {
		if err := cumulateHistograms(s, begun); err != nil {
			return err
		}
	}
	s.from(from)
	return nil
}

func cumulateNumbers(s *samples, begun bool) error {
	var sum float64
	for i, v := range s.numbers {
		if s.at(i) != nil || isStale(v) {
			continue
		}
		sum += v
		s.numbers[i] = sum
	}
	if !begun {
		return nil
	}
	for i, v := range s.numbers {
		if s.at(i) == nil && !isStale(v) {
			s.numbers[i] = v + 2*sum
		}
	}
	return nil
}

func cumulateHistograms(s *samples, begun bool) error {
	var sum *histogram.FloatHistogram
	add := func(to, h *histogram.FloatHistogram) (*histogram.FloatHistogram, error) {
		if to == nil {
			return h.Copy(), nil
		}
		added, _, _, err := to.Copy().Add(h)
		if err != nil {
			return nil, fmt.Errorf("add up histograms: %w", err)
		}
		return added, nil
	}
	for i, h := range s.histograms {
		if h == nil || isStale(h.Sum) {
			continue
		}
		var err error
		if sum, err = add(sum, h); err != nil {
			return err
		}
		s.histograms[i] = sum
	}
	if !begun || sum == nil {
		return nil
	}
	base := sum.Copy().Mul(2) //nolint:mnd // see cumulate
	for i, h := range s.histograms {
		if h == nil || isStale(h.Sum) {
			continue
		}
		var err error
		if s.histograms[i], err = add(h, base); err != nil {
			return err
		}
	}
	return nil
}
