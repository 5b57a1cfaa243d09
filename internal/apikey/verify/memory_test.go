package verify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := newMemory[int](100, time.Minute)
	for i := range 10_000 {
		m.add(i, now)
		require.True(t, m.has(i, now))
		require.LessOrEqual(t, len(m.until), 100)
	}
	require.True(t, m.has(9999, now.Add(59*time.Second)))
	require.False(t, m.has(9999, now.Add(time.Minute)))
	m.forget(9999)
	require.False(t, m.has(9999, now))
	m.tidy(now.Add(time.Hour))
	require.Empty(t, m.until)
	m.add(1, now)
	m.clear()
	require.False(t, m.has(1, now))
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := newTable()
	for range 10_000 {
		k := newKey(apikey.NewCredential().ID, &state{})
		table.put(k, 640)
		require.Same(t, k, table.get(k.id), "the newest is never the one that goes")
	}
	require.Equal(t, 640, table.size())
	table.each(func(k *key) bool { return k.id[0] < 128 })
	require.Less(t, table.size(), 640)
}
