package job

import (
	"context"
	"errors"
	"math"
	"time"

	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Directory knows the logs. Exporters and receivers find it at their host: it is the
// extension write_ahead_log.
type Directory interface {
	// Register adds a log of this collector, until it is removed.
	Register(Log) (remove func())
	// Find says what became of a job, of whatever collector's log. ErrUnknown covers
	// ids that nothing proves; ErrUnavailable means that another time may know more.
	Find(context.Context, *Claim) (Outcome, error)
	// Accounts lists what a key sent to the logs of this collector.
	Accounts(apikey.ID) []Account
	// Recall finds what another collector answered to a request, and Remember lets
	// others find it. Both are best effort; Remember does not wait.
	Recall(context.Context, Repeat) (answer receipt.Answer, found bool, err error)
	Remember(Repeat, receipt.Answer)
}

// Errors of Find.
var (
	ErrUnknown     = errors.New("no such job")
	ErrUnavailable = errors.New("what other collectors have published cannot be read")
)

// Log is what a directory asks a log. Its methods may be called at any time.
type Log interface {
	Secret() Secret
	// Writer names the log's present opening. What it does not know of that one,
	// nobody knows.
	Writer() Writer
	Find(Place) (Outcome, bool)
	// Accounts lists a key's accounts, each read in one moment.
	Accounts(apikey.ID) []Account
	// Progress is what has changed since an earlier call returned Next.
	Progress(since uint64) Progress
}

// Outcome is what became of a request.
type Outcome struct {
	Finished bool // all of it is stored, but for what is dead
	Dead     int  // items in the dead letters
}

// Account is what a key sent to a tenant, and what became of it: at any moment
// Accepted = Stored + Queued + Dead + Filtered.
type Account struct {
	Owner    tenant.Scope
	Signal   pipeline.Signal
	Accepted uint64
	Stored   uint64
	Queued   uint64
	Dead     uint64
	Filtered uint64
	Refused  map[string]uint64 // by reason, since the collector started
	Oldest   time.Time         // of what is queued; zero: nothing is
}

// Progress of a log, to be published.
type Progress struct {
	// Oldest is, of each writer whose batches are in the log, the first one that is
	// unfinished or to come.
	Oldest   map[Writer]uint64
	Finished []Finished
	Next     uint64
}

// NothingWaits is the Oldest of a former writer whose batches are all finished.
const NothingWaits = math.MaxInt64

// Finished is a batch of which nothing waits.
type Finished struct {
	Writer  Writer
	Batch   uint64
	Expires time.Time      // until then it is told
	Dead    map[uint64]int // dead items by request
}

// Repeat tells a request that may be repeated. The exporter's name is part of it, for
// what one exporter has, another may still need.
type Repeat struct {
	Exporter string
	Identity receipt.Identity
	Window   time.Duration // for how long it is remembered
}
