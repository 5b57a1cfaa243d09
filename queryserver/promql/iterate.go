package promql

import (
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// series is a storage.Series of samples in memory.
type series struct {
	labels  labels.Labels
	samples *samples
}

// Labels is that of storage.Series.
func (s *series) Labels() labels.Labels { return s.labels }

// Iterator is that of storage.Series.
func (s *series) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	if it, can := reuse.(*iterator); can {
		*it = iterator{samples: s.samples, i: -1}
		return it
	}
	return &iterator{samples: s.samples, i: -1}
}

// iterator is a chunkenc.Iterator. Before the first sample, i is -1.
type iterator struct {
	*samples

	i int
}

// Next is that of chunkenc.Iterator, as are all that follow.
func (it *iterator) Next() chunkenc.ValueType {
	if it.i < len(it.times) {
		it.i++
	}
	return it.kind()
}

// Seek goes forward only.
func (it *iterator) Seek(t int64) chunkenc.ValueType { //nolint:govet // the interface says so
	it.i = max(it.i, 0)
	if it.i < len(it.times) && it.times[it.i] < t {
		ahead, _ := slices.BinarySearch(it.times[it.i:], t)
		it.i += ahead
	}
	return it.kind()
}

func (it *iterator) kind() chunkenc.ValueType {
	switch {
	case it.i >= len(it.times):
		return chunkenc.ValNone
	case it.at(it.i) != nil:
		return chunkenc.ValFloatHistogram
	default:
		return chunkenc.ValFloat
	}
}

// At is the number.
func (it *iterator) At() (int64, float64) { return it.times[it.i], it.numbers[it.i] }

// AtHistogram is not asked for: no sample is of integers.
func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.times[it.i], nil
}

// AtFloatHistogram gives a copy, which the engine changes.
func (it *iterator) AtFloatHistogram(reuse *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	h := it.at(it.i)
	if reuse == nil {
		return it.times[it.i], h.Copy()
	}
	h.CopyTo(reuse)
	return it.times[it.i], reuse
}

// AtT is the time.
func (it *iterator) AtT() int64 { return it.times[it.i] }

// AtST is the start time, 0 when it is unknown.
func (it *iterator) AtST() int64 { return it.starts[it.i] }

// Err is nil: all samples are in memory.
func (*iterator) Err() error { return nil }

// lazySet is a storage.SeriesSet that is loaded when it is first asked: the engine makes
// the sets of all selectors before it needs any.
type lazySet struct {
	load   func() ([]*series, error)
	loaded bool
	all    []*series
	err    error
	i      int
}

// Next is that of storage.SeriesSet.
func (s *lazySet) Next() bool {
	if !s.loaded {
		s.loaded = true
		s.all, s.err = s.load()
		s.i = -1
	}
	if s.err != nil || s.i+1 >= len(s.all) {
		return false
	}
	s.i++
	return true
}

// At is that of storage.SeriesSet.
func (s *lazySet) At() storage.Series { return s.all[s.i] }

// Err is that of storage.SeriesSet.
func (s *lazySet) Err() error { return s.err }

// Warnings is that of storage.SeriesSet.
func (*lazySet) Warnings() annotations.Annotations { return nil }
