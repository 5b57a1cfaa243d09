package ledger_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	w, err := ledger.Append(path)
	require.NoError(t, err)
	at := time.Unix(1000, 5)
	entries := []ledger.Entry{
		{Outcome: ledger.Acked, Stream: "s", First: 0, Count: 3, Sent: at, Ended: at.Add(2)},
		{Outcome: ledger.Refused, Stream: "s", First: 3, Count: 3, Sent: at, Ended: at.Add(3), Reason: "503"},
		{Outcome: ledger.Unknown, Stream: "s", First: 6, Count: 1, Sent: at, Ended: at.Add(4)},
		{Outcome: ledger.Acked, Stream: "s", First: 4, Count: 1, Sent: at, Ended: at.Add(5)},
		{Outcome: ledger.Refused, Stream: "s", First: 0, Count: 1, Sent: at, Ended: at.Add(6), Reason: "429"},
	}
	for _, e := range entries {
		require.NoError(t, w.Write(e))
	}
	require.NoError(t, w.Close())
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString("A s 7 1 12") // the client was killed while it wrote
	require.NoError(t, err)
	require.NoError(t, file.Close())

	book, err := ledger.Open(path)
	require.NoError(t, err)
	require.Equal(t, entries, book.Entries)
	require.True(t, entries[0].InFlight(at.Add(1)))
	require.False(t, entries[0].InFlight(at.Add(2)))
	require.Equal(t, 4, book.Count(ledger.Acked))
	require.Equal(t, map[string]int{"R 503": 1, "R 429": 1, "U": 1}, book.Reasons())

	items := book.Streams["s"] // A A A R A R U
	require.Len(t, items, 7)
	good := ledger.Judge("s", items, []uint64{4, 0, 2, 1, 6})
	require.Equal(t, ledger.Verdict{Acked: 4, Refused: 2, Unknown: 1, Stored: 5}, good)
	require.True(t, good.Good())
	bad := ledger.Judge("s", items, []uint64{0, 1, 1, 3, 4, 6, 6, 9})
	require.Equal(t, ledger.Verdict{
		Acked: 4, Refused: 2, Unknown: 1, Stored: 8, Lost: 1, Doubled: 2, Ghosts: 2,
		Examples: []string{"doubled s/1", "doubled s/6", "ghost s/9", "lost s/2", "ghost s/3"},
	}, bad)
	require.False(t, bad.Good())
	bad.Add(good)
	require.Equal(t, 13, bad.Stored)
}

func TestOpen_Missing(t *testing.T) {
	t.Parallel()
	book, err := ledger.Open(filepath.Join(t.TempDir(), "none"))
	require.NoError(t, err)
	require.Empty(t, book.Streams)
}
