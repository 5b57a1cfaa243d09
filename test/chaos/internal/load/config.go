package load

import "time"

// Kind is what a stream sends.
type Kind string

// The kinds of items. Each is found again by its number: spans and log records in
// an attribute, gauges in their integer value, histograms in their count.
const (
	Spans      Kind = "spans"
	Records    Kind = "records"
	Gauges     Kind = "gauges"
	Histograms Kind = "histograms"
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Spans, Records, Gauges, Histograms} }

// Transport is how a stream sends.
type Transport string

// The transports.
const (
	HTTP Transport = "http"
	GRPC Transport = "grpc"
)

// Stream numbers items of one kind over one transport. Its name is the service of
// its items.
type Stream struct {
	Name      string
	Kind      Kind
	Transport Transport
}

// Streams is one stream of every kind over each transport, under names that begin
// with the prefix.
func Streams(prefix string) []Stream {
	var streams []Stream
	for _, kind := range Kinds() {
		for _, transport := range [...]Transport{HTTP, GRPC} {
			streams = append(streams, Stream{Name: prefix + "-" + string(kind) + "-" + string(transport), Kind: kind, Transport: transport})
		}
	}
	return streams
}

// Config is what a client does.
type Config struct {
	Ledger       string // path
	HTTP, GRPC   string // addresses of the collector
	KeyID        string
	KeySecret    string
	Streams      []Stream
	Rate         int           // items a second, over all streams
	BatchItems   int           // items per request
	InFlight     int           // most requests of a stream at once
	Timeout      time.Duration // of one attempt
	For          time.Duration // 0: until it is told to stop
	RetryRefused bool          // until they are taken, or the client is told to stop
	RetryUnknown bool          // also when no answer came: the same bytes again
	Path         string        // of HTTP, before the signal; "" is /v1/
	Patience     time.Duration // for retries after the end
	Padding      int           // bytes more of each span and log record
	// PoisonEvery makes every so many-th item one that PoisonText marks; 0: none.
	PoisonEvery uint64
}

// PoisonText is the body, the span's name or the metric's name of a bad item.
const PoisonText = "chaos.poison"

// The names that the rows are found by.
const (
	NumberAttribute = "chaos.number"
	GaugeName       = "chaos.gauge"
	HistogramName   = "chaos.histogram"
)

// spansPerTrace makes traces of several rows, so that their sums mean something.
const spansPerTrace = 10
