package queryserver

import (
	"context"
	"iter"
	"time"
)

// LogRecord is a log record with all that OTLP says of it.
type LogRecord struct {
	// Timestamp is the effective time: Time, else ObservedTimestamp, else that of receipt.
	// With IngestID it tells records apart.
	Timestamp time.Time `json:"timestamp"`
	IngestID  uint64    `json:"ingestId,string"`

	Time                   time.Time       `json:"time,omitzero"`              // as sent
	ObservedTimestamp      time.Time       `json:"observedTimestamp,omitzero"` // as sent
	SeverityNumber         int32           `json:"severityNumber,omitempty"`
	SeverityText           string          `json:"severityText,omitempty"`
	Body                   Value           `json:"body"`
	EventName              string          `json:"eventName,omitempty"`
	TraceID                string          `json:"traceId,omitempty"` // hex
	SpanID                 string          `json:"spanId,omitempty"`  // hex
	Flags                  uint32          `json:"flags,omitempty"`
	Attributes             []Attribute     `json:"attributes,omitempty"`
	DroppedAttributesCount uint32          `json:"droppedAttributesCount,omitempty"`
	Service                string          `json:"service,omitempty"`
	Resource               Resource        `json:"resource"`
	Scope                  Instrumentation `json:"scope"`
}

// Position is where the record stands in a list by time.
func (r LogRecord) Position() LogPosition { return LogPosition{r.Timestamp, r.IngestID} }

// LogPosition is a place in a list of records by time.
type LogPosition struct {
	Timestamp time.Time `json:"t"`
	IngestID  uint64    `json:"i,string"`
}

// LogQuery asks for records of a time range for which a search holds.
type LogQuery struct {
	In          TimeRange
	Search      Search
	OldestFirst bool
	After       *LogPosition // the list goes on after it
	Limit       int
}

// LogSeries asks for counts over time, by the values of a field.
type LogSeries struct {
	In     TimeRange // whole steps
	Search Search
	Step   time.Duration
	By     string // a field; level is by names of levels
	Limit  int    // the most frequent values; the rest is counted together
}

// LogBucket is how many records of a step there are.
type LogBucket struct {
	Start  time.Time         `json:"start"`
	Total  uint64            `json:"total"`
	Counts map[string]uint64 `json:"counts"` // by value, empty for records without the field
	Other  uint64            `json:"other,omitempty" doc:"Of values that are not among the most frequent"`
}

// LogGroups asks for counts by the values of fields, the most frequent first.
type LogGroups struct {
	In     TimeRange
	Search Search
	By     []string
	Prefix string // of the values of the first field
	Limit  int
}

// LogGroup is how many records have the same values.
type LogGroup struct {
	Values []string `json:"values" doc:"One of each field, empty for records without it"`
	Count  uint64   `json:"count"`
}

// LogGroupList is the most frequent groups, of how many records in all.
type LogGroupList struct {
	Items []LogGroup `json:"items" nullable:"false"`
	Total uint64     `json:"total" doc:"Records, in these groups and in others"`
}

// LogField is a field that records have.
type LogField struct {
	Name  string `json:"name" doc:"As the search language knows it"`
	In    string `json:"in" enum:"record,attributes,resource"`
	Count uint64 `json:"count" doc:"Records that have it"`
}

// LogFieldList is fields, the most frequent first.
type LogFieldList struct {
	Items     []LogField `json:"items" nullable:"false"`
	Truncated bool       `json:"truncated,omitempty" doc:"There are more"`
}

// Cut says that there are more.
func (l LogFieldList) Cut() bool { return l.Truncated }

// LogNeighbours asks for the records around one.
type LogNeighbours struct {
	At            LogPosition
	Before, After int
	AllServices   bool // not only those of its service
}

// LogSurroundings is a record with those around it, by time.
type LogSurroundings struct {
	Before []LogRecord `json:"before" nullable:"false"`
	Record LogRecord   `json:"record"`
	After  []LogRecord `json:"after" nullable:"false"`
}

// LogReader is what can be asked about the log records of the tenant of a scope.
type LogReader interface {
	// LogRecords are records in the order of (Timestamp, IngestID), at most as many as the limit.
	LogRecords(ctx context.Context, scope Scope, query LogQuery) ([]LogRecord, error)
	// LogHistogram are the counts of all steps, in their order.
	LogHistogram(ctx context.Context, scope Scope, query LogSeries) ([]LogBucket, error)
	LogGroups(ctx context.Context, scope Scope, query LogGroups) (LogGroupList, error)
	LogFields(ctx context.Context, scope Scope, in TimeRange, search Search) (LogFieldList, error)
	// LogContext gives NotFound for a record that the scope does not see.
	LogContext(ctx context.Context, scope Scope, query LogNeighbours) (LogSurroundings, error)
	// ExportLogs gives all records in pieces, which are read one by one. An error is the
	// last that it gives. Invalid: there are more than an export may have.
	ExportLogs(ctx context.Context, scope Scope, query LogQuery) (iter.Seq2[[]LogRecord, error], error)
}
