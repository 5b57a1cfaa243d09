package encode

import (
	"sync"

	"github.com/zeebo/xxh3"

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

// lately remembers the series that an encoder met last, by the labels as they came: in
// most batches the same series come again and again from the same SDK, which keeps the
// order of attributes. To find one so is cheaper than to hash each of its attributes, and
// than a look into the maps that all encoders share.
type lately struct {
	batch int // counts the encoder's batches
	// since is the first batch of those that have all been stored, but the one that grows.
	since  int
	stored bool // the one that grows, which so has ended
	met    [latelySize]struct {
		labels xxh3.Uint128
		at     partition
		batch  int // in which it was written
		id     uint64
	}
}

const latelySize = 1 << 15

// begin begins a batch. What was written in one that was not stored is forgotten.
func (l *lately) begin() {
	l.batch++
	if !l.stored {
		l.since = l.batch
	}
	l.stored = false
}

// find returns the id of a series whose labels are stored, or in the batch, as far as
// that is remembered.
func (l *lately) find(labels xxh3.Uint128, at partition) (id uint64, found bool) {
	slot := &l.met[labels.Lo%latelySize]
	return slot.id, slot.labels == labels && slot.at == at && slot.batch >= l.since
}

func (l *lately) remember(labels xxh3.Uint128, at partition, id uint64) {
	slot := &l.met[labels.Lo%latelySize]
	slot.labels, slot.at, slot.batch, slot.id = labels, at, l.batch, id
}
