package spool

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrRecord means that the log holds a record that this program cannot read.
var ErrRecord = errors.New("the log holds a record that this version of the program did not write")

// reader reads a record from its beginning to its end. Once it does not hold what
// was asked for, it has failed and gives nothing more.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) uvarint() uint64 {
	v, width := binary.Uvarint(r.rest)
	if width <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[width:]
	return v
}

// number reads a count of things that are not in the record.
func (r *reader) number() int {
	n := r.uvarint()
	if n > 1<<40 {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(n)
}

// count reads how many things follow, of so many bytes each at least.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() string { return string(r.take(r.count(1))) }

func (r *reader) id() (id ID) {
	copy(id.Writer[:], r.take(len(id.Writer)))
	id.Number = r.uvarint()
	return id
}

func (r *reader) time() time.Time { return time.UnixMilli(int64(r.uvarint())) }

// end says whether the record was read as it was written.
func (r *reader) end() error {
	if r.failed || len(r.rest) > 0 {
		return ErrRecord
	}
	return nil
}

func appendID(dst []byte, id ID) []byte {
	return binary.AppendUvarint(append(dst, id.Writer[:]...), id.Number)
}

func appendTime(dst []byte, at time.Time) []byte {
	return binary.AppendUvarint(dst, uint64(max(at.UnixMilli(), 0)))
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
