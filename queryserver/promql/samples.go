package promql

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// samples are those of one series by time: at each, a number or a histogram. The lists
// are as long as times, or nil where no sample has any.
type samples struct {
	times      []int64
	numbers    []float64
	histograms []*histogram.FloatHistogram
	starts     []int64 // 0 is unknown
}

func stale() float64 { return math.Float64frombits(value.StaleNaN) }

func isStale(v float64) bool { return value.IsStaleNaN(v) }

func (s *samples) number(t, start int64, v float64) {
	s.add(t, start, v, nil)
}

func (s *samples) histogram(t, start int64, h *histogram.FloatHistogram) {
	s.add(t, start, 0, h)
}

// add appends a sample that is not older than the last. One of the same time replaces it.
func (s *samples) add(t, start int64, v float64, h *histogram.FloatHistogram) {
	if last := len(s.times) - 1; last >= 0 && s.times[last] == t {
		s.times, s.numbers, s.starts = s.times[:last], s.numbers[:last], s.starts[:last]
		if s.histograms != nil {
			s.histograms = s.histograms[:last]
		}
	}
	if h != nil && s.histograms == nil {
		s.histograms = make([]*histogram.FloatHistogram, len(s.times), cap(s.times))
	}
	s.times, s.numbers, s.starts = append(s.times, t), append(s.numbers, v), append(s.starts, start)
	if s.histograms != nil {
		s.histograms = append(s.histograms, h)
	}
}

func (s *samples) at(i int) *histogram.FloatHistogram {
	if s.histograms == nil {
		return nil
	}
	return s.histograms[i]
}

// from leaves out what is older.
func (s *samples) from(t int64) {
	i, _ := slices.BinarySearch(s.times, t)
	s.times, s.numbers, s.starts = s.times[i:], s.numbers[i:], s.starts[i:]
	if s.histograms != nil {
		s.histograms = s.histograms[i:]
	}
}

// stream is what one series as stored brings to an entry.
type stream struct {
	samples
	delta bool
}

// entry is one Prometheus series with the streams that it is made of: several when OTLP
// tells series apart by what is no label.
type entry struct {
	labels  labels.Labels
	streams []*stream
}

func (e *entry) stream(delta bool) *stream {
	made := &stream{delta: delta}
	e.streams = append(e.streams, made)
	return made
}

// merged are the samples of all streams. Of several at one time, the last stream's counts.
func (e *entry) merged() *samples {
	if len(e.streams) == 1 {
		return &e.streams[0].samples
	}
	type place struct{ stream, i int }
	var places []place
	for s, of := range e.streams {
		for i := range of.times {
			places = append(places, place{s, i})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Compare(e.streams[a.stream].times[a.i], e.streams[b.stream].times[b.i])
	})
	all := &samples{}
	for _, p := range places {
		of := e.streams[p.stream]
		all.add(of.times[p.i], of.starts[p.i], of.numbers[p.i], of.at(p.i))
	}
	return all
}

// entries are those of one selector.
type entries struct {
	byLabels map[string]*entry
	all      []*entry
}

func newEntries() *entries { return &entries{byLabels: make(map[string]*entry)} }

func (e *entries) of(l labels.Labels) *entry {
	key := string(l.Bytes(nil))
	found := e.byLabels[key]
	if found == nil {
		found = &entry{labels: l}
		e.byLabels[key] = found
		e.all = append(e.all, found)
	}
	return found
}
