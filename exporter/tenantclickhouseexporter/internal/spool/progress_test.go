package spool_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

// What became of a request can be asked for an hour after it was stored, for two days
// after a part of it has died, and for an hour after that was stored after all.
func TestSpool_Lifetimes(t *testing.T) {
	t.Parallel()
	now := newClock()
	s := start(t, waltest.New(), wal.Settings{SegmentSize: 1 << 20, MaxSize: 8 << 20}, remembering(now))
	stored, err := s.Put(identified("a"))
	require.NoError(t, err)
	begun := s.Progress(0)
	require.Equal(t, map[[8]byte]uint64{s.Writer(): stored.Place.Batch.Number}, begun.Oldest)
	require.Empty(t, begun.Finished)
	state, _ := s.Find(stored.Place)
	require.Equal(t, spool.Queued, state)
	finish(t, s, nil)

	dead, err := s.Put(identified("b"))
	require.NoError(t, err)
	finish(t, s, []int{0})
	state, items := s.Find(stored.Place)
	require.Equal(t, spool.Done, state)
	require.Zero(t, items)
	_, items = s.Find(dead.Place)
	require.Equal(t, 1, items)
	ended := s.Progress(begun.Next)
	require.Equal(t, map[[8]byte]uint64{s.Writer(): dead.Place.Batch.Number + 1}, ended.Oldest, "the next batch may begin before it is told")
	require.Len(t, ended.Finished, 2)
	require.Empty(t, s.Progress(ended.Next).Finished)

	now.pass(time.Hour)
	state, _ = s.Find(stored.Place)
	require.Equal(t, spool.Unknown, state)
	require.Len(t, s.Progress(0).Finished, 1)
	now.pass(46 * time.Hour)
	_, items = s.Find(dead.Place)
	require.Equal(t, 1, items)

	require.NoError(t, s.Replayed(dead.Place.Batch, []spool.Dead{{Request: dead.Place.Request, Account: account, Items: 1}}))
	state, items = s.Find(dead.Place)
	require.Equal(t, spool.Done, state)
	require.Zero(t, items)
	changed := s.Progress(ended.Next).Finished
	require.Len(t, changed, 1)
	require.Empty(t, changed[0].Dead)
	require.Equal(t, now.Now().Add(time.Hour), changed[0].Expires)
	now.pass(time.Hour)
	state, _ = s.Find(dead.Place)
	require.Equal(t, spool.Unknown, state)
}

var account = spool.Account{Key: spool.KeyID{7}, Owner: owner}

// finish takes the next batch, splits bad rows off its block, and commits it.
func finish(t *testing.T, s *spool.Spool, bad []int) {
	t.Helper()
	b, err := s.Next(t.Context())
	require.NoError(t, err)
	blocks, _, err := b.Blocks()
	require.NoError(t, err)
	for _, block := range blocks {
		if len(bad) > 0 && block.HoldsItems() {
			require.NoError(t, s.Split(b, block, bad))
		}
	}
	s.Commit(b)
	require.Eventually(t, func() bool { return s.Queue().Batches == 0 }, time.Minute, time.Millisecond)
}
