package corpus

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The signals.
const (
	Traces  = "traces"
	Logs    = "logs"
	Metrics = "metrics"
)

// Config says what to make.
type Config struct {
	Seed         uint64
	RequestItems int // items in each body
	Bodies       int // different ones; a body of metrics is one instance of a service, with a series per item
	Owners       int // tenants, whose bodies take turns
	// Start is the time of the first readings of metrics.
	Start time.Time
}

// New makes the bodies of a signal.
func New(config Config, signal string) ([]*Body, error) {
	bodies := make([]*Body, config.Bodies)
	for i := range bodies {
		w := &writer{
			random: rand.New(rand.NewPCG(config.Seed, uint64(i))),
			items:  config.RequestItems,
			number: i,
		}
		data, err := w.encode(signal)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", signal, err)
		}
		body := &Body{Signal: signal, Items: config.RequestItems, Owner: i % config.Owners, number: uint64(i), scrape: config.Start, data: data}
		if err := body.index(w.marks); err != nil {
			return nil, err
		}
		bodies[i] = body
	}
	return bodies, nil
}

// writer makes one body.
type writer struct {
	random *rand.Rand
	items  int
	number int
	marks  int // how many were set
}

func (w *writer) encode(signal string) ([]byte, error) {
	switch signal {
	case Traces:
		return w.traces()
	case Logs:
		return w.logs()
	case Metrics:
		return w.metrics()
	}
	return nil, fmt.Errorf("no such signal: %s", signal)
}

// services is how many there are; each has several instances.
const services = 16

var serviceNames = [services]string{
	"frontend", "checkout", "cart", "payment", "shipping", "catalog", "search", "recommendation",
	"accounts", "mail", "currency", "advert", "fraud-detection", "inventory", "gateway", "reviews",
}

// resource has eight attributes, as SDKs and detectors send them.
func (w *writer) resource(r pcommon.Resource) {
	a := r.Attributes()
	a.PutStr("service.name", w.service())
	a.PutStr("service.version", fmt.Sprintf("1.%d.0", w.number%services*3))
	a.PutStr("service.instance.id", fmt.Sprintf("%08x-93be-47de-96bd-%012x", mix(uint64(w.number))>>32, mix(uint64(w.number))&0xffffffffffff))
	a.PutStr("host.name", fmt.Sprintf("node-%d.example", w.number%12))
	a.PutStr("os.type", "linux")
	a.PutStr("telemetry.sdk.name", "opentelemetry")
	a.PutStr("telemetry.sdk.language", []string{"go", "java", "python"}[w.number%3])
	a.PutStr("deployment.environment.name", "production")
}

func (w *writer) service() string { return serviceNames[w.number%services] }

// at is a time relative to the sending.
func (w *writer) at(offset time.Duration) pcommon.Timestamp {
	w.marks++
	return pcommon.Timestamp(mark(markTime, uint32(int32(offset.Microseconds()))))
}

// end is the end of a span, as [writer.at].
func (w *writer) end(offset time.Duration) pcommon.Timestamp {
	w.marks++
	return pcommon.Timestamp(mark(markEnd, uint32(int32(offset.Microseconds()))))
}

func (w *writer) traceID(number int) (id pcommon.TraceID) {
	w.marks++
	put(id[:], mark(markTrace, uint32(number)))
	return id
}

func (w *writer) spanID(number int) (id pcommon.SpanID) {
	w.marks++
	put(id[:], mark(markSpan, uint32(number)))
	return id
}

// digits is text of eight digits that differ from sending to sending, with so many
// different values: what makes paths and messages as various as they are in life.
func (w *writer) digits(different uint32) string {
	w.marks++
	var text [8]byte
	put(text[:], mark(markDigits, different))
	return string(text[:])
}

func put(place []byte, value uint64) { binary.LittleEndian.PutUint64(place, value) }

func (w *writer) chance(percent int) bool { return w.random.IntN(100) < percent }

func one[T any](w *writer, of ...T) T { return of[w.random.IntN(len(of))] }
