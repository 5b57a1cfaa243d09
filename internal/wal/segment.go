package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// formatVersion is of the records' framing. A log of a later one is refused.
const formatVersion = 1

const suffix = ".wal"

func (s *segment) name() string { return fmt.Sprintf("%016x%s", uint64(s.start), suffix) }

func parseName(name string) (Position, bool) {
	digits, isSegment := strings.CutSuffix(name, suffix)
	start, err := strconv.ParseUint(digits, 16, 64)
	return Position(start), isSegment && err == nil && len(digits) == 16
}

// load finds the segments of earlier runs and where the last of them ends.
func (l *Log) load() error {
	names, err := l.disk.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		if start, ok := parseName(name); ok {
			l.segments = append(l.segments, &segment{start: start})
		}
	}
	slices.SortFunc(l.segments, func(a, b *segment) int { return int(int64(a.start - b.start)) })
	for i, s := range l.segments {
		if err := l.measure(s); err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
		if i+1 < len(l.segments) {
			s.end = l.segments[i+1].start
		}
	}
	if len(l.segments) == 0 {
		return nil
	}
	s := l.last()
	if err := l.findEnd(s); err != nil {
		return fmt.Errorf("%s: %w", s.name(), err)
	}
	l.end, l.durable = s.end, s.end
	if s.end > s.start {
		return nil
	}
	// It was begun and never synced. The next segment takes its name.
	l.segments = l.segments[:len(l.segments)-1]
	return l.discard(s)
}

// measure reads the size of a segment and checks its version.
func (l *Log) measure(s *segment) error {
	file, err := l.disk.Open(s.name())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if s.size, err = file.Size(); err != nil {
		return err
	}
	header := make([]byte, min(s.size, int64(headerSize)))
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, s.size), header); err != nil {
		return err
	}
	if r, ok := parseRecord(header, s.start); ok {
		if version := binary.LittleEndian.Uint16(r.Payload); version > formatVersion {
			return fmt.Errorf("the log was written by a later version of this program (format %d, this one reads up to %d)", version, formatVersion)
		}
	}
	return nil
}

const headerSize = frameSize + 2

// findEnd sets the end of the newest segment: that of its last record.
func (l *Log) findEnd(s *segment) error {
	s.end = s.start
	data, err := l.read(s, s.start, s.start+Position(s.size), nil)
	if err != nil {
		return err
	}
	for {
		r, found := nextRecord(data, s.start, int(s.end-s.start))
		if !found {
			return nil
		}
		s.end = r.End()
	}
}

// read reads the bytes of a segment between two positions into the buffer.
func (l *Log) read(s *segment, from, to Position, buffer []byte) ([]byte, error) {
	file, err := l.disk.Open(s.name())
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	buffer = slices.Grow(buffer[:0], int(to-from))[:to-from]
	n, err := file.ReadAt(buffer, int64(from-s.start))
	if errors.Is(err, io.EOF) {
		err = nil // a segment that has lost its end is damaged, not unreadable
	}
	return buffer[:n], err
}

// begin ends the active segment and begins one that has room for a record.
func (l *Log) begin(need, reserve int64) error {
	size := max(l.settings.SegmentSize, headerSize+need+controlReserve)
	if reserve == 0 {
		size = headerSize + need + controlReserve
	} else if err := l.admit(size); err != nil {
		return err
	}
	if l.active != nil {
		if err := l.finish(); err != nil {
			return err
		}
	}
	s := &segment{start: l.end, end: l.end, size: size}
	file, err := l.disk.Create(s.name(), size)
	if err != nil {
		return fmt.Errorf("%w: begin a segment: %w", ErrFull, err)
	}
	l.segments, l.active = append(l.segments, s), file
	err = l.write(kindHeader, binary.LittleEndian.AppendUint16(nil, formatVersion))
	if err == nil {
		err = errors.Join(file.Sync(), l.disk.Sync())
	}
	if err != nil {
		l.abandon()
		return fmt.Errorf("%w: begin a segment: %w", ErrFull, err)
	}
	l.durable = l.end
	return nil
}

// admit refuses a segment for which there is no room.
func (l *Log) admit(size int64) error {
	if used := l.size(); used+size > l.settings.MaxSize {
		return fmt.Errorf("%w: it has %d of %d bytes", ErrFull, used, l.settings.MaxSize)
	}
	free, err := l.disk.Free()
	if err != nil {
		return fmt.Errorf("%w: read the free space of the disk: %w", ErrFull, err)
	}
	if free-size < l.settings.MinFree {
		return fmt.Errorf("%w: the disk has %d bytes free, of which %d must stay", ErrFull, free, l.settings.MinFree)
	}
	return nil
}

// finish ends the active segment, which must be durable before the next one is
// there: records are never lost from the middle.
func (l *Log) finish() error {
	if err := l.active.Sync(); err != nil {
		l.abandon()
		return fmt.Errorf("sync the log: %w", errors.Join(err, errVoid))
	}
	l.durable = l.end
	s := l.last()
	s.size = int64(s.end - s.start)
	_ = l.active.Truncate(s.size) // gives back what was reserved
	_ = l.active.Close()          // nothing is unwritten
	l.active = nil
	return nil
}
