package spool

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However many requests are answered within the window, the newest are remembered, and
// no more.
func TestAnswers_Bound(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_790_000_000_000)
	one := func(i int) (a Answered) {
		binary.BigEndian.PutUint64(a.Identity[:], uint64(i)+1)
		a.At = at.Add(time.Duration(i) * time.Millisecond)
		a.Place = Place{ID{Number: 217_000_000_000}, uint64(i)}
		a.Items = 100
		return a
	}
	a := newAnswers()
	for i := range 2 * maxAnswered {
		a.add(one(i))
	}
	require.Len(t, a.list, maxAnswered)
	require.Len(t, a.by, maxAnswered)
	require.Nil(t, a.find(one(maxAnswered-1).Identity, at, time.Hour))
	require.NotNil(t, a.find(one(maxAnswered).Identity, at, time.Hour))

	read := (&reader{rest: a.append(nil)}).answers()
	require.Len(t, read.list, maxAnswered)
	require.Equal(t, one(2*maxAnswered-1), *read.list[maxAnswered-1])
	a.expire(at.Add(24*time.Hour), time.Hour)
	require.Empty(t, a.list)
	require.Empty(t, a.by)
}

// A repetition after the window is a request of its own, and is not forgotten with
// the first.
func TestAnswers_Again(t *testing.T) {
	t.Parallel()
	a, at := newAnswers(), time.UnixMilli(1_790_000_000_000)
	a.add(Answered{Identity: Identity{1}, At: at, Items: 1})
	a.add(Answered{Identity: Identity{1}, At: at.Add(time.Minute), Items: 2})
	a.expire(at.Add(90*time.Second), time.Minute)
	require.Equal(t, 2, a.find(Identity{1}, at.Add(90*time.Second), time.Minute).Items)
}
