package queryserver

import "time"

// SpanKind is the kind of a span. Numbers that OTLP does not name are written as numbers.
type SpanKind string

// The kinds.
const (
	UnspecifiedSpan SpanKind = "UNSPECIFIED"
	InternalSpan    SpanKind = "INTERNAL"
	ServerSpan      SpanKind = "SERVER"
	ClientSpan      SpanKind = "CLIENT"
	ProducerSpan    SpanKind = "PRODUCER"
	ConsumerSpan    SpanKind = "CONSUMER"
)

// SpanStatus is UNSET, OK or ERROR; numbers that OTLP does not name are written as numbers.
type SpanStatus string

// The codes of a status.
const (
	UnsetStatus SpanStatus = "UNSET"
	OKStatus    SpanStatus = "OK"
	ErrorStatus SpanStatus = "ERROR"
)

// Span is a span. Ids are lower hex, empty for none.
type Span struct {
	TraceID       string     `json:"traceId"`
	SpanID        string     `json:"spanId"`
	ParentSpanID  string     `json:"parentSpanId,omitempty"`
	ParentMissing bool       `json:"parentMissing,omitempty"` // of a whole trace: its parent is not in the answer
	TraceState    string     `json:"traceState,omitempty"`
	Flags         uint32     `json:"flags,omitempty"`
	Service       string     `json:"service"`
	Name          string     `json:"name"`
	Kind          SpanKind   `json:"kind"`
	Start         time.Time  `json:"start"`
	Duration      int64      `json:"durationNano,string"` // negative when the span ended before it began
	Status        SpanStatus `json:"status"`
	StatusMessage string     `json:"statusMessage,omitempty"`

	Attributes             []Attribute `json:"attributes,omitempty"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
	Events                 []SpanEvent `json:"events,omitempty"`
	DroppedEventsCount     uint32      `json:"droppedEventsCount,omitempty"`
	Links                  []SpanLink  `json:"links,omitempty"`
	DroppedLinksCount      uint32      `json:"droppedLinksCount,omitempty"`

	// Resource and Scope are positions in the lists of the SpanSet.
	Resource int `json:"resource"`
	Scope    int `json:"scope"`
}

// SpanEvent is something that happened during a span.
type SpanEvent struct {
	Time                   time.Time   `json:"time"`
	Name                   string      `json:"name"`
	Attributes             []Attribute `json:"attributes,omitempty"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
}

// SpanLink points to a span of this or another trace.
type SpanLink struct {
	TraceID                string      `json:"traceId"`
	SpanID                 string      `json:"spanId"`
	TraceState             string      `json:"traceState,omitempty"`
	Flags                  uint32      `json:"flags,omitempty"`
	Attributes             []Attribute `json:"attributes,omitempty"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
}

// SpanSet is spans with the resources and scopes that they share.
type SpanSet struct {
	Spans     []Span            `json:"spans" nullable:"false"`
	Resources []Resource        `json:"resources" nullable:"false"`
	Scopes    []Instrumentation `json:"scopes" nullable:"false"`
}
