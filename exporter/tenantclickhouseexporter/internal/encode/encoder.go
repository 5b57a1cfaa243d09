package encode

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Config is what an Encoder needs to know.
type Config struct {
	// Retention is for how many days rows are kept. It must be valid.
	Retention Retention
	// Seen remembers the series that are stored. Encoders share it.
	Seen *SeenSeries
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Encoder gathers the items of many requests into blocks. It is reused from one
// batch to the next, and is not safe for concurrent use.
type Encoder struct {
	logs       *table[*logRows]
	spans      *table[*spanRows]
	samples    *table[*sampleRows]
	histograms *table[*histogramRows]
	series     *table[*seriesRows]
	exemplars  *table[*exemplarRows]

	logClass, spanClass, metricClass uint16

	seen    *SeenSeries
	pending map[seriesKey]struct{}
	lately  *lately

	now      func() time.Time
	received time.Time
	today    uint16

	origin  origin
	metric  metricIdentity
	scratch []byte
	blocks  []*Block
	ids     uint64
}

// New makes an encoder. Reset it before its first batch.
func New(config Config) *Encoder {
	now := config.Now
	if now == nil {
		now = time.Now
	}
	return &Encoder{
		series:      newTable(0, newSeriesRows), // the ranks are the order of Blocks
		exemplars:   newTable(1, newExemplarRows),
		samples:     newTable(rankOfSamples, newSampleRows),
		histograms:  newTable(3, newHistogramRows),
		logs:        newTable(4, newLogRows),
		spans:       newTable(5, newSpanRows),
		logClass:    class(config.Retention.Logs),
		spanClass:   class(config.Retention.Traces),
		metricClass: class(config.Retention.Metrics),
		seen:        config.Seen,
		pending:     make(map[seriesKey]struct{}),
		lately:      &lately{},
		origin:      origin{keys: make(map[string]struct{})},
		now:         now,
	}
}

// rankOfSamples is the first of the ranks of tables whose rows are items.
const rankOfSamples = 2

// rowBits is how many of the 64 bits of an ingest_id number the rows of a batch;
// the others number the batch.
const rowBits = 24

// MaxRows is the most rows that a batch may have.
const MaxRows = 1 << rowBits

// Reset empties the encoder for a batch. The batch numbers the rows: it should grow
// from one to the next, and be less than 2^40. What was not committed is forgotten.
func (e *Encoder) Reset(batch uint64) {
	e.logs.reset()
	e.spans.reset()
	e.samples.reset()
	e.histograms.reset()
	e.series.reset()
	e.exemplars.reset()
	clear(e.pending)
	e.lately.begin()
	e.ids = batch << rowBits
}

// Blocks returns the blocks in the order in which they are to be inserted: the
// labels of series before the samples that refer to them. They are valid until the
// next Append or Reset.
func (e *Encoder) Blocks() []*Block {
	blocks := e.series.appendBlocks(e.blocks[:0])
	blocks = e.exemplars.appendBlocks(blocks)
	blocks = e.samples.appendBlocks(blocks)
	blocks = e.histograms.appendBlocks(blocks)
	blocks = e.logs.appendBlocks(blocks)
	blocks = e.spans.appendBlocks(blocks)
	e.blocks = blocks
	return blocks
}

// Commit says that every block is stored: the labels of its series need not be
// written again.
func (e *Encoder) Commit() {
	e.seen.add(e.pending)
	e.lately.stored = true
}

func (e *Encoder) setToday() {
	e.received = e.now()
	e.today = day(uint64(e.received.UnixNano()))
}

func (e *Encoder) nextID() uint64 {
	id := e.ids
	e.ids++
	return id
}

func (e *Encoder) enterResource(resource pcommon.Resource, schema string) (err error) {
	e.scratch, err = e.origin.setResource(resource, schema, e.scratch)
	return err
}

func (e *Encoder) enterScope(scope pcommon.InstrumentationScope, schema string) {
	e.scratch = e.origin.setScope(scope, schema, e.scratch)
}
