package tenantcontextprocessor

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// window holds the accepted times of one request.
type window struct{ from, to pcommon.Timestamp }

func newWindow(now time.Time, past, future time.Duration) window {
	return window{
		from: pcommon.NewTimestampFromTime(now.Add(-past)),
		to:   pcommon.NewTimestampFromTime(now.Add(future)),
	}
}

// holds says whether an item's time is accepted. The time that counts is a
// span's start and a data point's time; one that is missing lies in 1970 and so
// outside. A metric's start time is not judged: 0 means that it is not known.
func (w window) holds(t pcommon.Timestamp) bool { return w.from <= t && t <= w.to }

// holdsLog judges a log record, which may have no time: then the time at which
// it was observed counts, and if that is missing too, the time of its arrival.
func (w window) holdsLog(t, observed pcommon.Timestamp) bool {
	if t == 0 {
		t = observed
	}
	return t == 0 || w.holds(t)
}
