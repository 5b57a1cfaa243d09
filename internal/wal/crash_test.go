package wal_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

var small = wal.Settings{SegmentSize: 70 << 10, MaxSize: 1 << 30}

// history is what a program did with a log, up to a crash.
type history struct {
	appended int // records 0 to appended-1
	durable  int // of which these were synced
	released int // and these, perhaps, released
	releases int
}

func numbered(i int) []byte {
	payload := make([]byte, 8+i%5*400) // so that segments end now and then
	binary.LittleEndian.PutUint64(payload, uint64(i))
	return payload
}

// work appends and syncs until it is done or the disk crashes.
func work(disk *waltest.Disk, first, records int) (h history, err error) {
	h = history{appended: first, durable: first, released: first}
	log, err := wal.Open(disk, small)
	if err != nil {
		return h, err
	}
	var positions []wal.Position
	for i := first; i < first+records; i++ {
		at, _, err := log.Append(1, numbered(i))
		if err != nil {
			return h, err
		}
		positions = append(positions, at)
		h.appended++
		if i%3 == 2 {
			if _, err := log.Sync(); err != nil {
				return h, err
			}
			h.durable = h.appended
		}
		if i%10 == 9 {
			h.released, h.releases = max(h.released, h.durable-5), h.releases+1
			if err := log.Release(positions[max(0, h.released-first)]); err != nil {
				return h, err
			}
		}
	}
	if _, err := log.Sync(); err != nil {
		return h, err
	}
	h.durable = h.appended
	return h, log.Close()
}

// replay reads the numbers of all records.
func replay(disk *waltest.Disk) (numbers []int, err error) {
	log, err := wal.Open(disk, small)
	if err != nil {
		return nil, err
	}
	_, err = log.Replay(0, log.End(), func(r wal.Record) error {
		numbers = append(numbers, int(binary.LittleEndian.Uint64(r.Payload)))
		return nil
	})
	return numbers, errors.Join(err, log.Close())
}

// check says what is wrong with a log after a crash: every durable record that was
// not released must be there, in order, once; others may be.
func check(numbers []int, h history) error {
	have := make(map[int]bool)
	for i, n := range numbers {
		if i > 0 && n <= numbers[i-1] {
			return fmt.Errorf("record %d comes after %d", n, numbers[i-1])
		}
		if n >= h.appended+1 { // the one being appended may be there
			return fmt.Errorf("record %d was never appended", n)
		}
		have[n] = true
	}
	for n := h.released; n < h.durable; n++ {
		if !have[n] {
			return fmt.Errorf("record %d is lost", n)
		}
	}
	return nil
}

// crashes runs the work with a crash at every operation, and a second one at every
// operation of what comes after it, and returns the first thing found wrong.
func crashes(t *testing.T, deaf bool) error {
	t.Helper()
	const records = 130
	whole := waltest.New()
	_, err := work(whole, 0, records)
	require.NoError(t, err)
	for at := 1; at <= whole.Ops(); at++ {
		for survival := range waltest.Survivals {
			disk := waltest.New()
			disk.CrashAt, disk.Deaf = at, deaf
			h, err := work(disk, 0, records)
			require.ErrorIs(t, err, waltest.ErrCrashed)
			left := disk.Restart(survival)
			numbers, err := replay(left)
			if err == nil {
				err = check(numbers, h)
			}
			if err == nil {
				err = again(left, h, at)
			}
			if err != nil {
				return fmt.Errorf("crash at operation %d, survival %d: %w", at, survival, err)
			}
		}
	}
	return nil
}

// again goes on where the crash was and crashes a second time.
func again(disk *waltest.Disk, h history, seed int) error {
	disk.CrashAt = disk.Ops() + 1 + seed%17
	next, err := work(disk, h.appended+1, 12)
	if err != nil && !errors.Is(err, waltest.ErrCrashed) {
		return err
	}
	numbers, err := replay(disk.Restart(waltest.Survival(seed) % waltest.Survivals))
	if err != nil {
		return err
	}
	if next.releases == 0 {
		if err := check(numbers, history{appended: next.appended, durable: h.durable, released: h.released}); err != nil {
			return fmt.Errorf("of the first run: %w", err)
		}
	}
	if err := check(numbers, next); err != nil {
		return fmt.Errorf("of the second run: %w", err)
	}
	return nil
}

func TestLog_CrashEverywhere(t *testing.T) {
	t.Parallel()
	require.NoError(t, crashes(t, false))
}

// The enumeration finds a disk that does not sync.
func TestLog_CrashKnownBad(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, crashes(t, true), "is lost")
}
