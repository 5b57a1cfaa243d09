package queryserver

import (
	"context"
	"time"
)

// Signal is one of the three kinds of telemetry.
type Signal string

// The signals.
const (
	Metrics Signal = "metrics"
	Logs    Signal = "logs"
	Traces  Signal = "traces"
)

// TimeRange is [From, To): items of From belong to it, items of To do not.
type TimeRange struct{ From, To time.Time }

// Service is a service that has sent telemetry.
type Service struct {
	Name      string            `json:"name"`
	Items     map[Signal]uint64 `json:"items"` // by signal
	FirstSeen time.Time         `json:"firstSeen"`
	LastSeen  time.Time         `json:"lastSeen"`
}

// Telemetry is what can be asked about the telemetry of the tenant of a scope. Forbidden:
// the scope lacks the permission. Invalid: the question costs too much, or the scope is in
// no tenant. TooMany: the tenant asks too much at once.
type Telemetry interface {
	MetricReader
	LogReader
	TraceReader

	// Services are those that have sent items of a time range, by name.
	Services(ctx context.Context, scope Scope, in TimeRange) ([]Service, error)
}
