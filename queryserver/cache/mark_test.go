package cache

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

func TestMarks_Targets(t *testing.T) {
	t.Parallel()
	one, two := tenant.ID{1}, tenant.ID{2}
	at := time.Unix(1000, 0)
	for name, test := range map[string]struct {
		target target
		id     string
		owner  tenant.ID
		hit    bool
	}{
		"the id":            {target{name: "a:b"}, "a:b", one, true},
		"another id":        {target{name: "a:b"}, "a:c", one, false},
		"an id is a prefix": {target{name: "a"}, "a:b", one, false},
		"prefix":            {target{name: "a:"}, "a:b", one, true},
		"long prefix":       {target{name: "a:b:c:"}, "a:b:c:d", one, true},
		"middle prefix":     {target{name: "a:b:"}, "a:b:c:d", one, true},
		"other prefix":      {target{name: "b:"}, "a:b:c", one, false},
		"everything":        {target{}, "a", one, true},
		"owner":             {target{owner: one}, "a", one, true},
		"another owner":     {target{owner: one}, "a", two, false},
		"owner unknown":     {target{owner: one}, "a", tenant.ID{}, true},
		"empty part":        {target{name: "a::"}, "a::b", one, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMarks(10)
			before := m.begin()
			m.add(test.target, at)
			require.Equal(t, test.hit, m.since(before, test.id, test.owner))
			require.False(t, m.since(m.begin(), test.id, test.owner))
			require.Equal(t, test.hit, m.last(test.id, test.owner).Equal(at))
			installed := false
			m.unless(before, test.id, test.owner, func() { installed = true })
			require.Equal(t, !test.hit, installed)
		})
	}
}

// However many marks come, no more are held than allowed, and none is ever unheeded.
func TestMarks_Bounded(t *testing.T) {
	t.Parallel()
	m := newMarks(100)
	start := time.Unix(1000, 0)
	for n := range 10_000 {
		before, at := m.begin(), start.Add(time.Duration(n)*time.Second)
		m.add(target{name: strconv.Itoa(n % 777)}, at)
		require.True(t, m.since(before, strconv.Itoa(n%777), tenant.ID{1}))
		require.False(t, m.last(strconv.Itoa(n%777), tenant.ID{1}).Before(at))
		require.LessOrEqual(t, len(m.held), 100)
		require.LessOrEqual(t, len(m.order), 100)
	}
	require.Equal(t, start.Add((10_000-101)*time.Second), m.last("never named", tenant.ID{1}), "the youngest of the forgotten")
}

func TestMarks_AddNumber(t *testing.T) {
	t.Parallel()
	m := newMarks(10)
	before := m.begin()
	m.addNumber()
	require.True(t, m.since(before, "a", tenant.ID{1}))
	require.True(t, m.last("a", tenant.ID{1}).IsZero())
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	b := breaker{pause: time.Second}
	now := time.Unix(1000, 0)
	require.True(t, b.allow(now))
	require.False(t, b.report(true, now))
	require.True(t, b.report(false, now))
	require.False(t, b.report(false, now))
	require.False(t, b.allow(now.Add(999*time.Millisecond)))
	now = now.Add(time.Second)
	require.True(t, b.allow(now), "one may try")
	require.False(t, b.allow(now), "the others wait for it")
	require.False(t, b.report(false, now))
	now = now.Add(time.Second)
	require.True(t, b.allow(now))
	require.True(t, b.report(true, now))
	require.True(t, b.allow(now))
	require.True(t, b.allow(now))
}
