package wal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

func open(t *testing.T, disk wal.Disk, settings wal.Settings) *wal.Log {
	t.Helper()
	log, err := wal.Open(disk, settings)
	require.NoError(t, err)
	return log
}

// payloads replays all of a log.
func payloads(t *testing.T, log *wal.Log) (all []string, damage []wal.Damage) {
	t.Helper()
	damage, err := log.Replay(0, log.End(), func(r wal.Record) error {
		all = append(all, string(r.Payload))
		return nil
	})
	require.NoError(t, err)
	return all, damage
}

func appended(t *testing.T, log *wal.Log, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		_, _, err := log.Append(1, []byte(p))
		require.NoError(t, err)
	}
	durable, err := log.Sync()
	require.NoError(t, err)
	require.Equal(t, log.End(), durable)
}

func TestLog_Folder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	disk, err := wal.Folder(path)
	require.NoError(t, err)
	_, err = wal.Folder(path)
	require.ErrorIs(t, err, wal.ErrInUse)
	log := open(t, disk, wal.Settings{SegmentSize: 100 << 10, MaxSize: 1 << 30})
	large := string(bytes.Repeat([]byte("x"), 50<<10))
	appended(t, log, "first", large, "second", large, "", "third")
	require.NoError(t, log.Close())

	disk, err = wal.Folder(path)
	require.NoError(t, err)
	log = open(t, disk, wal.Settings{SegmentSize: 100 << 10, MaxSize: 1 << 30})
	all, damage := payloads(t, log)
	require.Equal(t, []string{"first", large, "second", large, "", "third"}, all)
	require.Empty(t, damage)
	end := log.End()
	appended(t, log, "fourth")
	require.NoError(t, log.Release(end))
	all, _ = payloads(t, log)
	require.Equal(t, []string{"fourth"}, all, "what was released is gone")
	require.NoError(t, log.Close())
	files, err := filepath.Glob(filepath.Join(path, "*.wal"))
	require.NoError(t, err)
	require.Len(t, files, 1)
}

// A full log takes nothing more but control records, and goes on after a release.
func TestLog_Full(t *testing.T) {
	t.Parallel()
	for name, disk := range map[string]*waltest.Disk{"log": waltest.New(), "disk": waltest.New()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := wal.Settings{SegmentSize: 80 << 10, MaxSize: 200 << 10}
			if name == "disk" {
				settings = wal.Settings{SegmentSize: 80 << 10, MaxSize: 1 << 30, MinFree: 300 << 10}
				disk.Capacity = 500 << 10
			}
			log := open(t, disk, settings)
			payload := make([]byte, 10<<10)
			var err error
			records := 0
			for ; err == nil; records++ {
				_, _, err = log.Append(1, payload)
			}
			require.ErrorIs(t, err, wal.ErrFull)
			require.Greater(t, records, 1)
			_, _, err = log.AppendControl(2, []byte("drained"))
			require.NoError(t, err)
			_, err = log.Sync()
			require.NoError(t, err)
			require.NoError(t, log.Release(log.End()))
			_, _, err = log.Append(1, payload)
			require.NoError(t, err)
		})
	}
}

// What a disk failed to sync is void, also after a restart, and the log goes on.
func TestLog_FailedSync(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, fail := range map[string]func(*waltest.Disk){
		"sync":  func(d *waltest.Disk) { d.FailSync = func() error { d.FailSync = nil; return broken } },
		"write": func(d *waltest.Disk) { d.FailWrite = func() error { d.FailWrite = nil; return broken } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := waltest.New()
			log := open(t, disk, small)
			appended(t, log, "kept")
			durable := log.End()
			fail(disk)
			_, _, err := log.Append(1, []byte("void"))
			if err == nil {
				_, err = log.Sync()
			}
			require.ErrorIs(t, err, broken)
			require.Equal(t, durable, log.End())
			require.Equal(t, []string{"kept"}, first(payloads(t, open(t, disk.Restart(waltest.All), small))))
			appended(t, log, "later")
			require.Equal(t, []string{"kept", "later"}, first(payloads(t, log)))
			require.Equal(t, []string{"kept", "later"}, first(payloads(t, open(t, disk.Restart(waltest.Nothing), small))))
		})
	}
}

func first[A, B any](a A, _ B) A { return a }

// A changed bit costs the record it is in, and the file is kept when it is released.
func TestLog_Damage(t *testing.T) {
	t.Parallel()
	disk := waltest.New()
	log := open(t, disk, small)
	appended(t, log, "one", "two", "three")
	names, err := disk.List()
	require.NoError(t, err)
	require.Len(t, names, 1)
	disk.Flip(names[0], 15+16+13+1) // behind the header and the first record: in "two"
	log = open(t, disk.Restart(waltest.All), small)
	all, damage := payloads(t, log)
	require.Equal(t, []string{"one", "three"}, all)
	require.Equal(t, []wal.Damage{{Segment: names[0], From: 31, To: 47}}, damage)
	appended(t, log, "four")
	require.NoError(t, log.Release(log.End()))
	require.Equal(t, []string{"four"}, first(payloads(t, log)))
}

func TestFolder_Quarantine(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for range 2 {
		disk, err := wal.Folder(path)
		require.NoError(t, err)
		name := "0000000000000000.wal"
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte("no log at all"), 0o600))
		log := open(t, disk, small)
		appended(t, log, "goes on")
		require.Equal(t, []string{"goes on"}, first(payloads(t, log)))
		require.NoError(t, log.Close())
		require.NoError(t, os.Remove(filepath.Join(path, name)))
	}
	kept, err := os.ReadDir(filepath.Join(path, "quarantine"))
	require.NoError(t, err)
	require.Len(t, kept, 2, "the second one does not replace the first")
}

func TestOpen_LaterVersion(t *testing.T) {
	t.Parallel()
	disk := waltest.New()
	file, err := disk.Create("0000000000000000.wal", 100)
	require.NoError(t, err)
	_, err = file.Write(wal.Header(2))
	require.NoError(t, err)
	_, err = wal.Open(disk, small)
	require.ErrorContains(t, err, "later version")
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte("TFr1 and so on"))
	f.Add(wal.Header(1))
	f.Fuzz(func(t *testing.T, data []byte) {
		disk := waltest.New()
		file, err := disk.Create("0000000000000000.wal", int64(len(data)))
		require.NoError(t, err)
		_, err = file.Write(append(wal.Header(1), data...))
		require.NoError(t, err)
		log := open(t, disk, small)
		before := first(payloads(t, log))
		appended(t, log, "more")
		require.Equal(t, append(before, "more"), first(payloads(t, open(t, disk.Restart(waltest.Nothing), small))))
	})
}

// Room is exact: so much fits, and not a byte more.
func TestLog_Room(t *testing.T) {
	t.Parallel()
	log := open(t, waltest.New(), wal.Settings{SegmentSize: 1 << 20, MaxSize: 4 << 20})
	for fill := 0; ; fill++ {
		room := log.Room()
		_, _, err := log.Append(1, make([]byte, room+1))
		require.ErrorIs(t, err, wal.ErrFull)
		if room == 0 {
			require.Positive(t, fill)
			return
		}
		appended(t, log, string(make([]byte, min(room, int64(300_000+fill*1000)))))
	}
}
