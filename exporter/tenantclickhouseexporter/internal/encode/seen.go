package encode

import (
	"sync"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// seriesKey is a row of metric_series: a series is written once per day and
// retention class, so that its labels live as long as its samples.
type seriesKey struct {
	tenant tenant.ID
	series uint64
	at     partition
}

// SeenSeries remembers which series are stored. A series enters it only after the
// batch that wrote it was stored, so that no crash leaves samples without labels;
// what it forgets is merely written again. It is safe for concurrent use.
type SeenSeries struct {
	mu sync.RWMutex
	// Two generations bound the memory: when the younger is full, it becomes the
	// older, and the older is forgotten.
	younger, older map[seriesKey]struct{}
	limit          int
}

// NewSeenSeries makes a memory of at most limit series.
func NewSeenSeries(limit int) *SeenSeries {
	return &SeenSeries{younger: make(map[seriesKey]struct{}), limit: max(limit/2, 1)}
}

func (s *SeenSeries) has(key seriesKey) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, present := s.younger[key]; present {
		return true
	}
	_, present := s.older[key]
	return present
}

func (s *SeenSeries) add(keys map[seriesKey]struct{}) {
	if len(keys) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range keys {
		if len(s.younger) >= s.limit {
			s.older, s.younger = s.younger, make(map[seriesKey]struct{}, len(s.younger))
		}
		s.younger[key] = struct{}{}
	}
}

// lately remembers the series that an encoder met last: in most batches the same
// series come again and again, and a look into this array is cheaper than into the
// maps that all encoders share.
type lately struct {
	batch uint64
	met   [latelySize]struct {
		key   seriesKey
		batch uint64 // in which it was written; it is forgotten with the batch
	}
}

const latelySize = 1 << 12

// has says whether the labels of a series are stored, or in the batch, as far as that
// is remembered; else it is remembered from now on.
func (l *lately) has(key seriesKey) bool {
	slot := &l.met[key.series%latelySize]
	if slot.batch == l.batch && slot.key == key {
		return true
	}
	slot.key, slot.batch = key, l.batch
	return false
}
