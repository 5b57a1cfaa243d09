package queryserver

import (
	"context"
	"time"
)

// The kinds of errors that only PromQL has.
const (
	Execution Code = "execution" // the query is well-formed and cannot be executed
	Timeout   Code = "timeout"   // it took too long
)

// PromAnswer is an answer in the form of Prometheus' HTTP API.
type PromAnswer struct {
	Data            string // JSON
	Warnings, Infos []string
	Truncated       bool // by a limit
}

// Cut says that the answer may be less than what was asked for.
func (a PromAnswer) Cut() bool { return a.Truncated }

// PromQuery is a PromQL query at one time, or at each Step from From to To, both included.
type PromQuery struct {
	Query    string
	From, To time.Time
	Step     time.Duration // 0: at To
	Limit    int           // of series; 0: none
	Lookback time.Duration // 0: that of the settings
	Timeout  time.Duration // 0: that of the settings
}

// PromSelection asks for series by selectors, any of which they match. None is all series.
type PromSelection struct {
	Match    []string
	From, To time.Time // both included
	Limit    int
}

// PromQL answers the questions of Prometheus' HTTP API. Invalid: the query or a selector
// has an error. Execution and Timeout are as above. The rest is as with Telemetry.
type PromQL interface {
	// PromReach is the time from the first to the last sample that a query may look at.
	PromReach(q PromQuery) (TimeRange, error)
	// EvaluatePromQL answers query and query_range.
	EvaluatePromQL(ctx context.Context, scope Scope, q PromQuery) (PromAnswer, error)
	PromSeries(ctx context.Context, scope Scope, q PromSelection) (PromAnswer, error)
	PromLabelNames(ctx context.Context, scope Scope, q PromSelection) (PromAnswer, error)
	PromLabelValues(ctx context.Context, scope Scope, label string, q PromSelection) (PromAnswer, error)
	// PromMetadata is of one metric, or of all when it is empty.
	PromMetadata(ctx context.Context, scope Scope, metric string, limit, limitPerMetric int) (PromAnswer, error)
	PromExemplars(ctx context.Context, scope Scope, query string, in TimeRange) (PromAnswer, error)
	// FormatPromQL needs no data.
	FormatPromQL(query string) (string, error)
}
