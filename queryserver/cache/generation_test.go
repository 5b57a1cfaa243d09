package cache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// New data counts from the next full interval on, once, and only for its own hours.
func TestGenerations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 3, 0, 0, time.UTC)
	g := newGenerations(func() time.Time { return now })
	a, b := tenant.ID{1}, tenant.ID{2}
	hour := func(h int) queryserver.TimeRange {
		from := time.Date(2026, 1, 2, h, 10, 0, 0, time.UTC)
		return queryserver.TimeRange{From: from, To: from.Add(time.Minute)}
	}
	of := func(tenant tenant.ID, h int) time.Time { return g.of(tenant, queryserver.Metrics, hour(h)) }
	require.Zero(t, of(a, 11))
	now = now.Add(10 * time.Minute) // what was missed before the start counts from 12:10 on
	begun := of(a, 11)
	require.Equal(t, 10, begun.Minute())

	g.heard(a, queryserver.Metrics, hour(11))
	require.Equal(t, begun, of(a, 11), "at the documented frequency")
	now = now.Add(4 * time.Minute)
	g.heard(a, queryserver.Metrics, hour(11))
	now = now.Add(3 * time.Minute) // 12:20
	require.Equal(t, 20, of(a, 11).Minute())
	require.Equal(t, begun, of(a, 10), "another hour")
	require.Equal(t, begun, of(b, 11), "another tenant")
	require.Equal(t, begun.Truncate(time.Minute), g.of(a, queryserver.Logs, hour(11)).Add(6*time.Minute), "another signal: since 12:04")
	require.Equal(t, 20, g.of(a, queryserver.Metrics, queryserver.TimeRange{From: hour(3).From, To: hour(22).To}).Minute(), "a range that covers it")

	g.heard(a, queryserver.Metrics, hour(11)) // heard at 12:20: counts from 12:30 on
	now = now.Add(9 * time.Minute)
	require.Equal(t, 20, of(a, 11).Minute())
	now = now.Add(time.Minute)
	require.Equal(t, 30, of(a, 11).Minute(), "also when nothing comes after it")

	now = now.Add(2 * time.Hour)
	g.heard(b, queryserver.Metrics, hour(14))
	require.Len(t, g.hours, 1, "what is older than any answer is forgotten")
}
