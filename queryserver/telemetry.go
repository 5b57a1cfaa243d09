package queryserver

import "time"

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
