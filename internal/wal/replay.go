package wal

import (
	"errors"
	"fmt"
	"io"
)

// Damage is a part of the log in which bytes have changed on disk. What was
// written there is lost; the segment is kept in quarantine.
type Damage struct {
	Segment  string
	From, To Position
}

// Replay visits the records between two positions in their order, and tells which
// parts it could not read. It stops at the visit's first error.
func (l *Log) Replay(from, to Position, visit func(Record) error) ([]Damage, error) {
	var damages []Damage
	var buffer []byte
	for _, s := range l.between(from, to) {
		first, last := max(from, s.start), min(to, s.end)
		data, err := l.read(&s, first, last, buffer)
		if err != nil {
			return damages, fmt.Errorf("read the log: %w", err)
		}
		buffer = data
		damaged, err := walk(data, first, last, visit)
		for i := range damaged {
			damaged[i].Segment = s.name()
		}
		if len(damaged) > 0 {
			l.mark(s.start)
		}
		damages = append(damages, damaged...)
		if err != nil {
			return damages, err
		}
	}
	return damages, nil
}

// walk visits the records in data, which begins at start and should reach to end.
func walk(data []byte, start, end Position, visit func(Record) error) ([]Damage, error) {
	var damages []Damage
	at := start
	for at < end {
		r, found := nextRecord(data, start, int(at-start))
		next := end
		if found {
			next = r.Position
		}
		if next > at {
			damages = append(damages, Damage{From: at, To: next})
		}
		if !found {
			break
		}
		if r.Kind != kindHeader {
			if err := visit(r); err != nil {
				return damages, err
			}
		}
		at = r.End()
	}
	return damages, nil
}

// between copies the segments that hold any of the positions.
func (l *Log) between(from, to Position) []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []segment
	for _, s := range l.segments {
		if s.start < to && s.end > from {
			found = append(found, *s)
		}
	}
	return found
}

func (l *Log) mark(start Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.start == start {
			s.damaged = true
		}
	}
}

// Releases says whether Release would remove anything.
func (l *Log) Releases(before Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.releasable(before)
}

// releasable says whether the oldest segment may go. The last one stays: its name
// says where the log ends.
func (l *Log) releasable(before Position) bool {
	return len(l.segments) > 1 && l.segments[0].end <= before
}

// Release removes the segments that hold only what is before the position.
func (l *Log) Release(before Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.releasable(before) {
		if err := l.discard(l.segments[0]); err != nil {
			return err
		}
		l.segments = l.segments[1:]
	}
	return nil
}

// discard removes a segment's file, or keeps it in quarantine when it holds what
// nobody could read.
func (l *Log) discard(s *segment) error {
	discard := l.disk.Remove
	if s.damaged || s.end == s.start && !l.blank(s) {
		discard = l.disk.Quarantine
	}
	if err := discard(s.name()); err != nil {
		return fmt.Errorf("release %s: %w", s.name(), err)
	}
	return nil
}

// blank reports whether a segment has nothing but reserved space.
func (l *Log) blank(s *segment) bool {
	data, err := l.read(s, s.start, s.start+Position(s.size), nil)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}
