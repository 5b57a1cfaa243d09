package spool_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, disk wal.Disk, bounds wal.Settings, change ...func(*spool.Settings)) *spool.Spool {
	t.Helper()
	log, err := wal.Open(disk, bounds)
	require.NoError(t, err)
	with := settings
	for _, c := range change {
		c(&with)
	}
	s, err := spool.Open(log, with, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		require.NoError(t, log.Close())
	})
	return s
}

// What arrives while the disk syncs is one group: far fewer syncs than requests.
func TestSpool_Groups(t *testing.T) {
	t.Parallel()
	disk := waltest.New()
	first, gate := make(chan struct{}), make(chan struct{})
	var once sync.Once
	disk.FailWrite = func() error {
		once.Do(func() {
			close(first)
			<-gate
		})
		return nil
	}
	s := start(t, disk, wal.Settings{SegmentSize: 4 << 20, MaxSize: 1 << 30}, func(s *spool.Settings) { s.MaxRows = 1000 })
	var all sync.WaitGroup
	put := func() {
		if err := put(s, request("x")); err != nil {
			t.Error(err)
		}
	}
	all.Go(put)
	<-first
	for range 200 {
		all.Go(put)
	}
	require.Eventually(t, func() bool { requests, _ := s.Waiting(); return requests == 200 }, time.Minute, time.Millisecond)
	close(gate)
	all.Wait()
	items := s.Queue().Items
	require.Equal(t, 201, items)
	require.Less(t, disk.Ops(), 10, "two groups")
}

// A request that the log has no room for keeps no smaller one out.
func TestSpool_TooLargeAlone(t *testing.T) {
	t.Parallel()
	s := start(t, waltest.New(), wal.Settings{SegmentSize: 128 << 10, MaxSize: 256 << 10})
	large, small := request("large"), request("small")
	large.Bytes = 512 << 10 // both may wait at once
	var both sync.WaitGroup
	both.Go(func() {
		if err := put(s, large); !errors.Is(err, spool.ErrFull) {
			t.Error(err)
		}
	})
	both.Go(func() {
		if err := put(s, small); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	require.Equal(t, 1, s.Queue().Items)
}

// One request that cannot be encoded, and one whose client has left, cost no other.
func TestSpool_RefusedAlone(t *testing.T) {
	t.Parallel()
	s, c := start(t, waltest.New(), logSettings), newTable()
	bad := request("bad")
	bad.Add = func(*encode.Encoder) error { return encode.ErrNoTenant }
	gone := request("gone")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone.Context = ctx
	require.ErrorIs(t, put(s, bad), encode.ErrNoTenant)
	require.ErrorIs(t, put(s, gone), context.Canceled)
	require.NoError(t, put(s, request("good")))
	drain(t, s, c)
	require.Equal(t, map[string]int{"good": 1}, c.rows)
}

// drain sends everything.
func drain(t *testing.T, s *spool.Spool, c *table) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	sender.Go(func() {
		if err := send(ctx, s, c); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, s.Drain(t.Context()))
	stop()
	sender.Wait()
}

// A full log refuses, keeps what it acknowledged, and takes requests again once the
// senders have made room, without a restart.
func TestSpool_Full(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"log", "disk"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			disk, bounds := waltest.New(), wal.Settings{SegmentSize: 80 << 10, MaxSize: 300 << 10}
			if kind == "disk" {
				disk.Capacity, bounds.MaxSize = 400<<10, 1<<30
			}
			s, c := start(t, disk, bounds), newTable()
			acked, refused := 0, 0
			for refused < 3 {
				err := put(s, request(fmt.Sprint(kind, acked)))
				if err == nil {
					require.Zero(t, refused, "nothing makes room")
					acked++
					continue
				}
				require.ErrorIs(t, err, spool.ErrFull)
				refused++
			}
			require.Greater(t, acked, 10)
			ctx, stop := context.WithCancel(t.Context())
			var sender sync.WaitGroup
			sender.Go(func() { _ = send(ctx, s, c) })
			require.Eventually(t, func() bool { return put(s, request("again")) == nil }, time.Minute, time.Millisecond)
			require.NoError(t, s.Drain(t.Context()))
			stop()
			sender.Wait()
			require.Len(t, c.rows, acked+1)
			require.Equal(t, 1, c.rows["again"])
		})
	}
}

// A disk that fails a sync loses what was not acknowledged, and nothing else.
func TestSpool_FailedSync(t *testing.T) {
	t.Parallel()
	disk := waltest.New()
	var fail sync.Mutex
	failing := false
	disk.FailSync = func() error {
		fail.Lock()
		defer fail.Unlock()
		if failing {
			return errors.New("broken disk")
		}
		return nil
	}
	set := func(to bool) {
		fail.Lock()
		defer fail.Unlock()
		failing = to
	}
	s, c := start(t, disk, logSettings, func(s *spool.Settings) { s.MaxRows = 1000 }), newTable()
	require.NoError(t, put(s, request("before")))
	set(true)
	require.Error(t, put(s, request("refused")))
	require.Error(t, put(s, request("refused too")))
	set(false)
	require.Eventually(t, func() bool { return put(s, request("after")) == nil }, time.Minute, time.Millisecond)
	drain(t, s, c)
	require.Equal(t, map[string]int{"before": 1, "after": 1}, c.rows)
}

// A changed bit costs the group it is in and what refers to it; the rest is stored,
// and the loss is told.
func TestSpool_Damage(t *testing.T) {
	t.Parallel()
	disk, large := waltest.New(), wal.Settings{SegmentSize: 1 << 20, MaxSize: 1 << 30}
	log, err := wal.Open(disk, large)
	require.NoError(t, err)
	s, err := spool.Open(log, settings, zap.NewNop())
	require.NoError(t, err)
	for i := range 12 {
		require.NoError(t, put(s, request(strconv.Itoa(i))))
	}
	s.Close()
	require.NoError(t, log.Close())
	disk.Flip("0000000000000000.wal", 6000) // in the second group

	s, c := start(t, disk.Restart(waltest.Nothing), large), newTable()
	items := s.Queue().Items
	require.Equal(t, 11, items)
	ctx, stop := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	var losses []string
	sender.Go(func() {
		for {
			b, err := s.Next(ctx)
			if err != nil {
				return
			}
			if err := c.insert(b); err != nil {
				losses = append(losses, err.Error())
			}
			s.Commit(b)
		}
	})
	require.NoError(t, s.Drain(t.Context()))
	stop()
	sender.Wait()
	require.Len(t, losses, 1)
	require.True(t, strings.HasSuffix(losses[0], "items are lost"), losses[0])
	require.Greater(t, len(c.rows), 5)
}

func TestSpool_Closed(t *testing.T) {
	t.Parallel()
	log, err := wal.Open(waltest.New(), logSettings)
	require.NoError(t, err)
	s, err := spool.Open(log, settings, zap.NewNop())
	require.NoError(t, err)
	s.Close()
	require.ErrorIs(t, put(s, request("late")), spool.ErrClosed)
}
