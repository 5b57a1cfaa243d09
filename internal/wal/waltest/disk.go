// Package waltest has a disk that forgets what was not synced, for tests of what a
// log keeps through crashes.
package waltest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

var (
	// ErrCrashed is what every operation says after the crash.
	ErrCrashed = errors.New("the machine has crashed")
	// ErrNoSpace is what a full disk says.
	ErrNoSpace = errors.New("no space left on device")
)

// Disk is a folder in memory. A crash comes before the operation that CrashAt
// numbers, of those that change something.
type Disk struct {
	// CrashAt is the operation, counted from 1, that no longer happens; 0 is none.
	CrashAt int
	// Deaf makes Sync do nothing: a disk, or a program, that does not keep its word.
	Deaf bool
	// FailSync and FailWrite are asked before each such operation.
	FailSync, FailWrite func() error
	// Capacity bounds the bytes of all files; 0 is no bound.
	Capacity int64

	mu      sync.Mutex
	ops     int
	names   map[string]*file // as the program sees them
	durable map[string]*file // as they are after a crash
}

type file struct {
	disk     *Disk
	data     []byte // as the program sees it
	synced   []byte
	writes   []int // the offsets at which the unsynced writes begin
	reserved int64
}

// New makes an empty disk.
func New() *Disk { return &Disk{names: map[string]*file{}, durable: map[string]*file{}} }

// Ops is the number of operations so far.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// change counts an operation, which d.mu makes the only one.
func (d *Disk) change() error {
	d.ops++
	if d.CrashAt > 0 && d.ops >= d.CrashAt {
		return ErrCrashed
	}
	return nil
}

// Survival says what a crash leaves of that which was not synced.
type Survival int

// The ways in which a crash treats what was not synced.
const (
	Nothing   Survival = iota // it is gone
	All                       // it is there
	Torn                      // half of the last write is missing
	Reordered                 // the first write is missing, the others are there
	Survivals
)

// Restart is the disk after the crash.
func (d *Disk) Restart(s Survival) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := New()
	next.Capacity = d.Capacity
	names := d.durable
	if s != Nothing {
		names = d.names
	}
	for name, f := range names {
		data := f.surviving(s)
		left := &file{disk: next, data: data, synced: slices.Clone(data), reserved: f.reserved}
		next.names[name], next.durable[name] = left, left
	}
	return next
}

func (f *file) surviving(s Survival) []byte {
	switch {
	case s == Nothing || len(f.writes) == 0:
		return slices.Clone(f.synced)
	case s == Torn:
		last := f.writes[len(f.writes)-1]
		return slices.Clone(f.data[:last+(len(f.data)-last)/2])
	case s == Reordered:
		data := slices.Clone(f.data)
		end := len(data)
		if len(f.writes) > 1 {
			end = f.writes[1]
		}
		clear(data[f.writes[0]:end])
		return data
	default:
		return slices.Clone(f.data)
	}
}

// Flip changes a bit of a file on the disk.
func (d *Disk) Flip(name string, offset int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	f.data[offset] ^= 1
	f.synced = slices.Clone(f.data)
}

// List implements wal.Disk.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

// Create implements wal.Disk.
func (d *Disk) Create(name string, size int64) (wal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return nil, err
	}
	if _, exists := d.names[name]; exists {
		return nil, fs.ErrExist
	}
	if d.Capacity > 0 && d.used()+size > d.Capacity {
		return nil, ErrNoSpace
	}
	f := &file{disk: d, reserved: size}
	d.names[name] = f
	return f, nil
}

func (d *Disk) used() (used int64) {
	for _, f := range d.names {
		used += max(f.reserved, int64(len(f.data)))
	}
	return used
}

// Open implements wal.Disk.
func (d *Disk) Open(name string) (wal.Reader, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return reader{f}, nil
}

// Quarantine implements wal.Disk.
func (d *Disk) Quarantine(name string) error { return d.rename(name, "quarantine/"+name) }

// Remove implements wal.Disk.
func (d *Disk) Remove(name string) error { return d.rename(name, "") }

func (d *Disk) rename(name, target string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return err
	}
	if d.names[name] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if target != "" {
		d.names[target] = d.names[name]
	}
	delete(d.names, name)
	return nil
}

// Sync implements wal.Disk.
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.change(); err != nil {
		return err
	}
	if !d.Deaf {
		d.durable = maps.Clone(d.names)
	}
	return nil
}

// Free implements wal.Disk.
func (d *Disk) Free() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Capacity == 0 {
		return 1 << 60, nil
	}
	return d.Capacity - d.used(), nil
}

// Close implements wal.Disk.
func (d *Disk) Close() error { return nil }

func (f *file) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.change(); err != nil {
		return 0, err
	}
	if f.disk.FailWrite != nil {
		if err := f.disk.FailWrite(); err != nil {
			f.writes, f.data = append(f.writes, len(f.data)), append(f.data, p[:len(p)/2]...)
			return len(p) / 2, err
		}
	}
	f.writes = append(f.writes, len(f.data))
	f.data = append(f.data, p...)
	return len(p), nil
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.change(); err != nil {
		return err
	}
	if f.disk.FailSync != nil {
		if err := f.disk.FailSync(); err != nil {
			return err
		}
	}
	if !f.disk.Deaf {
		f.synced, f.writes = slices.Clone(f.data), nil
	}
	return nil
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.change(); err != nil {
		return err
	}
	f.data = f.data[:min(size, int64(len(f.data)))]
	f.reserved = size
	for len(f.writes) > 0 && f.writes[len(f.writes)-1] >= len(f.data) {
		f.writes = f.writes[:len(f.writes)-1]
	}
	return nil
}

func (f *file) Close() error { return nil }

type reader struct{ *file }

func (r reader) Size() (int64, error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	return max(r.reserved, int64(len(r.data))), nil
}

// ReadAt reads reserved space as zeros.
func (r reader) ReadAt(p []byte, offset int64) (int, error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	size := max(r.reserved, int64(len(r.data)))
	n := int(max(0, min(int64(len(p)), size-offset)))
	clear(p[:n])
	if offset < int64(len(r.data)) {
		copy(p[:n], r.data[offset:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
