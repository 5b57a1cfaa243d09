package queryserver

import (
	"context"
	"encoding/hex"
	"time"
)

// TraceID is the id of a trace in OTLP, 32 hexadecimal digits in texts.
type TraceID [16]byte

func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes it as lower hex.
func (id TraceID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes, capitals too. Invalid: anything else.
func (id *TraceID) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(id)) {
		return errTraceID()
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return errTraceID()
	}
	return nil
}

func errTraceID() error { return Errorf(Invalid, "a trace id is 32 hexadecimal digits") }

// SpanFilter chooses spans. What is zero chooses all.
type SpanFilter struct {
	In TimeRange // of their start
	// Service, Operation, Kind and Status are as they are written in a Span.
	Service     string        `json:",omitempty"`
	Operation   string        `json:",omitempty"`
	Kind        SpanKind      `json:",omitempty"`
	Status      SpanStatus    `json:",omitempty"`
	MinDuration time.Duration `json:",omitempty"` // included
	MaxDuration time.Duration `json:",omitempty"` // included; 0: none
	Roots       bool          `json:",omitempty"` // those without a parent
	Where       Search
}

// TraceOrder is how traces are listed.
type TraceOrder string

// The orders.
const (
	NewestFirst  TraceOrder = "newest"
	SlowestFirst TraceOrder = "slowest"
)

// TraceQuery chooses traces: those of which one span passes the filter.
type TraceQuery struct {
	SpanFilter
	Order TraceOrder
	After *TracePosition // nil: from the beginning
	Limit int
}

// TracePosition is where a trace stands in a list: by the start of its first span that
// passes the filter, or by its duration, in nanoseconds; then by its id.
type TracePosition struct {
	At      int64   `json:"at,string"`
	TraceID TraceID `json:"traceId"`
}

// TraceSummary is a trace in a list, as far as the caller may see it.
type TraceSummary struct {
	TraceID string `json:"traceId"`
	// RootService and RootOperation are of the root span; while that has not arrived, of
	// the earliest span, and RootMissing is true.
	RootService   string    `json:"rootService"`
	RootOperation string    `json:"rootOperation"`
	RootMissing   bool      `json:"rootMissing,omitempty"`
	Start         time.Time `json:"start"`
	Duration      int64     `json:"durationNano,string"` // from the first start to the last end
	SpanCount     uint64    `json:"spanCount"`
	ErrorCount    uint64    `json:"errorCount"`
	Services      []string  `json:"services" nullable:"false"` // by name
}

// TraceList is traces of a list with their positions, one by one.
type TraceList struct {
	Items     []TraceSummary
	Positions []TracePosition
}

// TraceBounds is the time of a trace, and how many spans it has by now.
type TraceBounds struct {
	In        TimeRange
	SpanCount uint64
}

// Trace is a whole trace, or as much of it as the caller may see. Its spans are in the
// order of their start.
type Trace struct {
	TraceID string `json:"traceId"`
	SpanSet
	Truncated bool `json:"truncated" doc:"There are more spans than one answer holds; the earliest are here"`
}

// Cut says that there is more.
func (t Trace) Cut() bool { return t.Truncated }

// SpanQuery lists spans, newest first.
type SpanQuery struct {
	SpanFilter
	After *SpanPosition // nil: from the newest
	Limit int
}

// SpanPosition is where a span stands in a list.
type SpanPosition struct {
	At       int64  `json:"at,string"` // nanoseconds
	IngestID uint64 `json:"id,string"`
}

// SpanPage is spans of a list with their positions, one by one.
type SpanPage struct {
	SpanSet
	Positions []SpanPosition
}

// SpanStatisticsQuery asks for rate, errors and durations.
type SpanStatisticsQuery struct {
	SpanFilter
	// GroupBy are service, operation, kind, status, or keys of attributes.
	GroupBy []string
	// Step is the length of one bucket; 0: the time range is one. The time range is whole
	// steps.
	Step time.Duration
	// Limit is how many groups are answered at most: those with most spans.
	Limit int
}

// SpanStatistics are groups of spans, those with most spans first.
type SpanStatistics struct {
	Groups    []SpanGroup `json:"groups" nullable:"false"`
	Truncated bool        `json:"truncated" doc:"There are more groups than asked for"`
}

// Cut says that there is more.
func (s SpanStatistics) Cut() bool { return s.Truncated }

// SpanGroup is the spans that have the same values of what is grouped by.
type SpanGroup struct {
	Values []string        `json:"values" nullable:"false"` // in the order of groupBy; empty where a span lacks it
	Points []SpanStatistic `json:"points" nullable:"false"` // by time; buckets without spans are left out
}

// SpanStatistic is of the spans of one group that begin in one bucket.
type SpanStatistic struct {
	Time      time.Time `json:"time"` // the bucket begins
	Count     uint64    `json:"count"`
	Rate      float64   `json:"rate"` // spans per second
	Errors    uint64    `json:"errors"`
	ErrorRate float64   `json:"errorRate"` // errors / count
	P50       float64   `json:"p50Nano"`
	P90       float64   `json:"p90Nano"`
	P95       float64   `json:"p95Nano"`
	P99       float64   `json:"p99Nano"`
}

// ServiceMap is who calls whom.
type ServiceMap struct {
	Edges []ServiceEdge `json:"edges" nullable:"false"` // by caller and callee
	// SampledOneIn is of how many traces one was looked at; counts are multiplied by it.
	SampledOneIn uint64 `json:"sampledOneIn"`
	Truncated    bool   `json:"truncated" doc:"There are more edges than one answer holds"`
}

// Cut says that there is more.
func (m ServiceMap) Cut() bool { return m.Truncated }

// ServiceEdge is the calls of one service by another: spans of SERVER under spans of
// CLIENT, or of CONSUMER under PRODUCER.
type ServiceEdge struct {
	Caller string   `json:"caller"`
	Callee string   `json:"callee"`
	Kind   SpanKind `json:"kind"` // SERVER or CONSUMER
	Calls  uint64   `json:"calls"`
	Errors uint64   `json:"errors"`  // calls whose span of the callee has failed
	P95    float64  `json:"p95Nano"` // of the callee's spans
}

// TraceReader is what can be asked about spans. The permission is traces:read.
type TraceReader interface {
	// Traces lists traces, up to one more than the limit.
	Traces(ctx context.Context, scope Scope, query TraceQuery) (TraceList, error)
	// Trace is one trace. A time range that is not zero says where to look. NotFound: the
	// caller sees no span of it.
	Trace(ctx context.Context, scope Scope, id TraceID, in TimeRange) (Trace, error)
	// TraceBounds is the extent of a trace. NotFound as of Trace.
	TraceBounds(ctx context.Context, scope Scope, id TraceID, in TimeRange) (TraceBounds, error)
	// Spans lists spans, up to one more than the limit.
	Spans(ctx context.Context, scope Scope, query SpanQuery) (SpanPage, error)
	// SpanStatistics counts spans.
	SpanStatistics(ctx context.Context, scope Scope, query SpanStatisticsQuery) (SpanStatistics, error)
	// ServiceMap is who calls whom in a time range.
	ServiceMap(ctx context.Context, scope Scope, in TimeRange) (ServiceMap, error)
	// ExportSpans gives all spans that pass the filter, oldest first, in sets of some
	// thousands. The sets are the receiver's.
	ExportSpans(ctx context.Context, scope Scope, filter SpanFilter, receive func(SpanSet) error) error
}
