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

// Receipt counts the items (spans, data points or log records) of one request.
// All methods are safe for concurrent use, and do nothing on a nil Receipt, so
// that components also work behind receivers that open none.
type Receipt struct {
	id     string
	signal pipeline.Signal

	mu       sync.Mutex
	counts   Counts
	messages []string
}

// Counts is what became of the items of a request.
type Counts struct {
	Rejected int // refused for good: reported to the client in partial_success
	Filtered int // removed on the operator's wish
	Durable  int // stored as the exporter's acknowledgement promises
}

// Accounted is the number of items whose fate is known.
func (c Counts) Accounted() int { return c.Rejected + c.Filtered + c.Durable }

// New opens a receipt with a random id for a request of the given signal.
func New(signal pipeline.Signal) *Receipt {
	var random [16]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	return &Receipt{id: hex.EncodeToString(random[:]), signal: signal}
}

// ID is what the client is given to ask for the request's fate.
func (r *Receipt) ID() string { return r.id }

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
