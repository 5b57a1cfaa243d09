package encode

import (
	"fmt"
	"math"
)

// classes are the retention periods, in days, that rows may have. There are few,
// because each makes partitions of its own: a policy is rounded up to a class.
var classes = [...]uint16{7, 30, 90, 400}

// MaxRetentionDays is the longest retention that a policy may ask for.
const MaxRetentionDays = 400

// Retention is for how many days the rows of each signal are kept.
type Retention struct {
	Metrics int
	Logs    int
	Traces  int
}

// Validate names what cannot be kept.
func (r Retention) Validate() error {
	for name, days := range map[string]int{"metrics": r.Metrics, "logs": r.Logs, "traces": r.Traces} {
		if days < 1 || days > MaxRetentionDays {
			return fmt.Errorf("retention::%s must be between 1 and %d days (got %d)", name, MaxRetentionDays, days)
		}
	}
	return nil
}

// class rounds a policy up.
func class(days int) uint16 {
	for _, c := range classes {
		if days <= int(c) {
			return c
		}
	}
	return classes[len(classes)-1]
}

const nanosecondsPerDay = 24 * 60 * 60 * 1_000_000_000

// day is the day of a time in nanoseconds, counted from 1970 as Date counts. A time
// of 2^63 and more is negative to ClickHouse, whose dates begin with day 0.
func day(nanoseconds uint64) uint16 {
	if nanoseconds > math.MaxInt64 {
		return 0
	}
	return uint16(min(nanoseconds/nanosecondsPerDay, math.MaxUint16))
}

// place is the partition of a row: a class of 30 days lets the row of a day live
// for 30 full days after it.
func place(nanoseconds uint64, class uint16) partition {
	d := day(nanoseconds)
	return partition{day: d, expires: uint16(min(uint32(d)+uint32(class)+1, math.MaxUint16))}
}
