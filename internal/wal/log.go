package wal

import (
	"errors"
	"fmt"
	"sync"
)

// Position counts bytes from the log's first one.
type Position uint64

// Settings bound a log. All are in bytes.
type Settings struct {
	// SegmentSize is of a new segment, unless a record needs a larger one.
	SegmentSize int64
	// MaxSize is of all segments together.
	MaxSize int64
	// MinFree must stay free on the disk when a segment is begun.
	MinFree int64
}

// ErrFull means that the log or the disk has no room. Nothing was written.
var ErrFull = errors.New("the log has no room")

// controlReserve is the part of a segment that only AppendControl may fill, so
// that a full log can say what it has got rid of.
const controlReserve = 64 << 10

// Log is safe for concurrent use.
type Log struct {
	disk     Disk
	settings Settings

	mu       sync.Mutex
	segments []*segment // oldest first
	active   File       // the last segment; nil: the next record begins one
	end      Position   // of the next record
	durable  Position   // all before it is on disk
	buffer   []byte
}

// segment is one file. All but the last have ended.
type segment struct {
	start   Position
	end     Position // behind the last record
	size    int64    // of the file
	damaged bool
}

// Open opens the log in a folder. It does not read what is there beyond the end of
// the newest segment; see Replay.
func Open(disk Disk, settings Settings) (*Log, error) {
	l := &Log{disk: disk, settings: settings}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

// Append writes a record and returns where it begins and ends. It is not durable
// yet. On ErrFull nothing has changed; after any other error everything that was
// not durable is void, as after a failed Sync.
func (l *Log) Append(kind Kind, payload []byte) (from, to Position, err error) {
	return l.append(kind, payload, controlReserve)
}

// AppendControl is Append for a small record that must get through when the log is
// full, because it leads to a Release.
func (l *Log) AppendControl(kind Kind, payload []byte) (from, to Position, err error) {
	return l.append(kind, payload, 0)
}

func (l *Log) append(kind Kind, payload []byte, reserve int64) (from, to Position, err error) {
	if len(payload) > maxPayload {
		return 0, 0, fmt.Errorf("a record of %d bytes is larger than %d", len(payload), maxPayload)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	need := int64(frameSize + len(payload))
	if l.active == nil || l.written()+need+reserve > l.last().size {
		if err := l.begin(need, reserve); err != nil {
			return 0, 0, err
		}
	}
	from = l.end
	if err := l.write(kind, payload); err != nil {
		l.abandon()
		return 0, 0, fmt.Errorf("write to the log: %w", err)
	}
	return from, l.end, nil
}

func (l *Log) write(kind Kind, payload []byte) error {
	l.buffer = appendRecord(l.buffer[:0], l.end, kind, payload)
	if _, err := l.active.Write(l.buffer); err != nil {
		return err
	}
	l.end += Position(len(l.buffer))
	l.last().end = l.end
	return nil
}

func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

// written is how much of the active segment is in use.
func (l *Log) written() int64 { return int64(l.end - l.last().start) }

// Sync makes durable what was appended before the call, and returns up to where
// the log is durable. When it fails, all that was not durable before is void: it
// will not be replayed, and the next record takes its place.
func (l *Log) Sync() (Position, error) {
	l.mu.Lock()
	file, end, durable := l.active, l.end, l.durable
	l.mu.Unlock()
	if durable == end {
		return end, nil
	}
	err := syncFile(file)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if file == l.active { // else it was synced to its end, or given up
			l.durable = max(l.durable, end)
		}
	case file == l.active:
		l.abandon()
	}
	if l.durable >= end {
		return l.durable, nil
	}
	return l.durable, fmt.Errorf("sync the log: %w", errors.Join(err, errVoid))
}

var errVoid = errors.New("what was not durable is void")

// abandon gives up the active segment behind what is durable. A disk that fails a
// sync may have lost any of it (https://wiki.postgresql.org/wiki/Fsync_Errors), so
// that nothing more is written there.
func (l *Log) abandon() {
	s := l.last()
	// So that a crash before the next segment does not bring back what was refused.
	// If this fails as well, that is all there is to do about it.
	_ = l.active.Truncate(int64(l.durable - s.start))
	_ = l.active.Sync()
	_ = l.active.Close()
	l.active = nil
	l.end, s.end = l.durable, l.durable
	s.size = int64(s.end - s.start)
	if s.size == 0 {
		_ = l.disk.Remove(s.name()) // its name will be used again
		l.segments = l.segments[:len(l.segments)-1]
	}
}

// End is the position of the next record.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Size is the number of bytes that the segments take on disk.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size()
}

func (l *Log) size() (size int64) {
	for _, s := range l.segments {
		size += s.size
	}
	return size
}

// Room is how many bytes the payload of a record may have at the moment, at most.
func (l *Log) Room() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest int64
	if l.active != nil {
		rest = l.last().size - l.written() - controlReserve - frameSize
	}
	if l.admit(l.settings.SegmentSize) == nil {
		rest = max(rest, l.settings.MaxSize-l.size()-headerSize-controlReserve-frameSize)
	}
	return max(rest, 0)
}

// MaxSize is the bound of Size.
func (l *Log) MaxSize() int64 { return l.settings.MaxSize }

// Close makes the log durable and gives the folder back.
func (l *Log) Close() error {
	_, err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active != nil {
		err = errors.Join(err, l.active.Close())
		l.active = nil
	}
	return errors.Join(err, l.disk.Close())
}
