package spool_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

// clock is a time that a test moves.
type clock struct{ now atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c.now.Store(&at)
	return c
}

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) pass(d time.Duration) {
	at := c.Now().Add(d)
	c.now.Store(&at)
}

// remembering is for spools that remember.
func remembering(c *clock) func(*spool.Settings) {
	return func(s *spool.Settings) {
		s.Clock = c.Now
		s.RepeatWindow, s.StoredLife, s.DeadLife = 5*time.Minute, time.Hour, 48*time.Hour
		s.MaxAge = 0 // the clock stands still
	}
}

// identified is a request that is recognised when it is repeated.
func identified(body string) *spool.Request {
	r := request(body)
	copy(r.Identity[:], body)
	r.Rejected, r.Message = 2, "too old"
	return r
}

func TestSpool_Repeats(t *testing.T) {
	t.Parallel()
	disk, now, c := waltest.New(), newClock(), newTable()
	s := start(t, disk, logSettings, remembering(now))
	first, err := s.Put(identified("a"))
	require.NoError(t, err)
	require.False(t, first.Again)
	require.Equal(t, spool.Answered{
		Identity: spool.Identity{'a'}, Place: first.Place, At: now.Now(), Items: 1, Rejected: 2, Message: "too old",
	}, utc(first.Answered))

	again, err := s.Put(identified("a"))
	require.NoError(t, err)
	require.True(t, again.Again)
	require.Equal(t, first.Answered, again.Answered)
	other, err := s.Put(identified("b"))
	require.NoError(t, err)
	require.False(t, other.Again)
	_, err = s.Put(request("c"))
	require.NoError(t, err)
	_, err = s.Put(request("c"))
	require.NoError(t, err)

	now.pass(5*time.Minute - time.Millisecond)
	again, err = s.Put(identified("a"))
	require.NoError(t, err)
	require.True(t, again.Again)
	now.pass(time.Millisecond)
	late, err := s.Put(identified("a"))
	require.NoError(t, err)
	require.False(t, late.Again)
	drain(t, s, c)
	require.Equal(t, map[string]int{"a": 2, "b": 1, "c": 2}, c.rows)
}

// After a restart the log still knows what it has answered, and once more when that is
// in a checkpoint only.
func TestSpool_RepeatsAfterRestart(t *testing.T) {
	t.Parallel()
	disk, now, c := waltest.New(), newClock(), newTable()
	log, err := wal.Open(disk, logSettings)
	require.NoError(t, err)
	with := settings
	remembering(now)(&with)
	s, err := spool.Open(log, with, zap.NewNop())
	require.NoError(t, err)
	first, err := s.Put(identified("a"))
	require.NoError(t, err)
	secret := s.Secret()
	disk = disk.Restart(waltest.Nothing) // as if killed
	s.Close()
	require.NoError(t, log.Close())

	log, err = wal.Open(disk, logSettings)
	require.NoError(t, err)
	s, err = spool.Open(log, with, zap.NewNop())
	require.NoError(t, err)
	again, err := s.Put(identified("a"))
	require.NoError(t, err)
	require.True(t, again.Again)
	require.Equal(t, utc(first.Answered), utc(again.Answered))
	for i := range 60 { // until the segment with the request is gone
		require.NoError(t, put(s, request(strconv.Itoa(i))))
	}
	drain(t, s, c)
	s.Close()
	require.NoError(t, log.Close())

	s = start(t, disk.Restart(waltest.Nothing), logSettings, remembering(now))
	require.Equal(t, secret, s.Secret())
	again, err = s.Put(identified("a"))
	require.NoError(t, err)
	require.True(t, again.Again)
	require.Equal(t, utc(first.Answered), utc(again.Answered))
	require.Equal(t, 1, c.rows["a"])
}

// held is a spool whose disk waits for the gate.
func held(t *testing.T) (s *spool.Spool, writing <-chan struct{}, open func(error)) {
	t.Helper()
	disk, first, gate := waltest.New(), make(chan struct{}), make(chan error)
	var once, opened sync.Once
	disk.FailWrite = func() (err error) {
		once.Do(func() {
			close(first)
			err = <-gate
		})
		return err
	}
	open = func(err error) { opened.Do(func() { gate <- err }) }
	s = start(t, disk, logSettings, func(s *spool.Settings) { s.RepeatWindow = time.Hour })
	return s, first, open
}

// A client leaves while its request is being written, and repeats it at once: there is
// one answer and one row.
func TestSpool_RepeatOfLostAnswer(t *testing.T) {
	t.Parallel()
	s, writing, open := held(t)
	ctx, leave := context.WithCancel(t.Context())
	lost := identified("a")
	lost.Context = ctx
	answers := make(chan spool.Kept, 2)
	keep := func(r *spool.Request) {
		kept, err := s.Put(r)
		if err != nil {
			t.Error(err)
		}
		answers <- kept
	}
	go keep(lost)
	<-writing
	leave()
	go keep(identified("a"))
	open(nil)
	one, two := <-answers, <-answers
	require.NotEqual(t, one.Again, two.Again)
	require.Equal(t, one.Answered, two.Answered)
	c := newTable()
	drain(t, s, c)
	require.Equal(t, map[string]int{"a": 1}, c.rows)
}

// A repetition takes the place of a request that fails.
func TestSpool_RepeatOfFailure(t *testing.T) {
	t.Parallel()
	s, writing, open := held(t)
	failed, repeated := make(chan error, 1), make(chan spool.Kept, 1)
	go func() { failed <- put(s, identified("a")) }()
	<-writing
	go func() {
		for { // the log refuses for a moment after a failure
			if kept, err := s.Put(identified("a")); err == nil {
				repeated <- kept
				return
			}
		}
	}()
	open(errors.New("broken disk"))
	require.Error(t, <-failed)
	require.False(t, (<-repeated).Again)
	c := newTable()
	drain(t, s, c)
	require.Equal(t, map[string]int{"a": 1}, c.rows)
}

// A repetition does not wait longer than its client.
func TestSpool_RepeatLeaves(t *testing.T) {
	t.Parallel()
	s, writing, open := held(t)
	first := make(chan error, 1)
	go func() { first <- put(s, identified("a")) }()
	<-writing
	ctx, leave := context.WithCancel(t.Context())
	r := identified("a")
	r.Context = ctx
	gone := make(chan error, 1)
	go func() { gone <- put(s, r) }()
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	open(nil)
	require.NoError(t, <-first)
}

// utc makes times comparable that were read back.
func utc(a spool.Answered) spool.Answered {
	a.At = a.At.UTC()
	return a
}
