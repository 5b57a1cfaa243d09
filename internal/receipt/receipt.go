// Package receipt accounts for the items of one ingest request on their way
// through the pipeline.
//
// The receiver opens a [Receipt] and puts it into the context; the processor and
// the exporter add what they rejected, filtered out or made durable; the receiver
// answers from it. That is how OTLP partial success comes back through a pipeline
// whose interfaces only return an error, and how a pipeline that acknowledges
// from memory is noticed: its items stay unaccounted for.
package receipt

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pipeline"
)

// maxMessages bounds the distinct reasons that one partial success spells out.
const maxMessages = 8

// Request is what the receiver knows of a request.
type Request struct {
	// Items is how many it has; zero: nobody has counted.
	Items int
	// Bytes are those of its body, uncompressed; zero: nobody has counted.
	Bytes int
	// Identity tells its repetitions; zero: they are not to be recognised.
	Identity Identity
}

// Identity is a hash of who sent which bytes.
type Identity [16]byte

// Answer is what a client is told of a request.
type Answer struct {
	ID       string // by which it can ask for the request's fate
	Rejected int
	Message  string // why, for partial_success
}

// Receipt counts the items (spans, data points or log records) of one request.
// All methods are safe for concurrent use, and do nothing on a nil Receipt, so
// that components also work behind receivers that open none.
type Receipt struct {
	signal  pipeline.Signal
	request Request

	mu       sync.Mutex
	counts   Counts
	messages []string
	id       string
	earlier  *Answer
}

// Counts is what became of the items of a request.
type Counts struct {
	Rejected int // refused for good: reported to the client in partial_success
	Filtered int // removed on the operator's wish
	Durable  int // stored as the exporter's acknowledgement promises
}

// Accounted is the number of items whose fate is known.
func (c Counts) Accounted() int { return c.Rejected + c.Filtered + c.Durable }

// New opens a receipt for a request of the given signal.
func New(signal pipeline.Signal) *Receipt { return Open(signal, Request{}) }

// Open opens a receipt for a request of which more is known.
func Open(signal pipeline.Signal, request Request) *Receipt {
	return &Receipt{signal: signal, request: request}
}

// Request returns what is known of a request of the signal. It is false behind a
// receiver without receipts, and for data that was made of another signal's request.
func (r *Receipt) Request(signal pipeline.Signal) (Request, bool) {
	if r == nil || signal != r.signal {
		return Request{}, false
	}
	return r.request, true
}

// Give sets the id by which the client can ask. Of several, the first counts.
func (r *Receipt) Give(signal pipeline.Signal, id string) {
	r.add(signal, func(*Counts) {
		if r.id == "" {
			r.id = id
		}
	}, "")
}

// Repeat makes the answer that of an earlier request, which this one repeats.
func (r *Receipt) Repeat(signal pipeline.Signal, earlier Answer) {
	r.add(signal, func(*Counts) {
		if r.earlier == nil {
			r.earlier = &earlier
		}
	}, "")
}

// Answer is what the client is told. An id that nobody gave is random: it tells
// requests apart, but nobody can be asked about it.
func (r *Receipt) Answer() Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.earlier != nil {
		return *r.earlier
	}
	if r.id == "" {
		var random [16]byte
		_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
		r.id = hex.EncodeToString(random[:])
	}
	return Answer{ID: r.id, Rejected: r.counts.Rejected, Message: strings.Join(r.messages, "; ")}
}

// ID is the id of the answer.
func (r *Receipt) ID() string { return r.Answer().ID }

// Reject adds n items that were refused for the given reason, which is shown to
// the client.
func (r *Receipt) Reject(signal pipeline.Signal, n int, message string) {
	r.add(signal, func(c *Counts) { c.Rejected += n }, message)
}

// Filter adds n items that were removed by configuration.
func (r *Receipt) Filter(signal pipeline.Signal, n int) {
	r.add(signal, func(c *Counts) { c.Filtered += n }, "")
}

// Durable adds n items that are stored.
func (r *Receipt) Durable(signal pipeline.Signal, n int) {
	r.add(signal, func(c *Counts) { c.Durable += n }, "")
}

// add ignores other signals: a connector that makes metrics of spans calls the
// metrics exporter with the context of the traces request.
func (r *Receipt) add(signal pipeline.Signal, change func(*Counts), message string) {
	if r == nil || signal != r.signal {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.counts)
	if message == "" || len(r.messages) >= maxMessages {
		return
	}
	for _, known := range r.messages {
		if known == message {
			return
		}
	}
	r.messages = append(r.messages, message)
}

// Counts returns what is known so far.
func (r *Receipt) Counts() Counts {
	if r == nil {
		return Counts{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Message joins the distinct reasons of the rejections for partial_success.
func (r *Receipt) Message() string {
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.messages, "; ")
}

type contextKey struct{}

// NewContext returns a context that carries the receipt.
func NewContext(ctx context.Context, r *Receipt) context.Context {
	return context.WithValue(ctx, contextKey{}, r)
}

// FromContext returns the receipt of the request, or nil.
func FromContext(ctx context.Context) *Receipt {
	r, _ := ctx.Value(contextKey{}).(*Receipt)
	return r
}
