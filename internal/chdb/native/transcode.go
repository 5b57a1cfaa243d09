package native

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Revisions of ClickHouse's protocol from which a block carries more.
const (
	revisionBlockInfo           = 1
	revisionCustomSerialization = 54454
)

// blockInfo is what precedes a block: not an overflow row, no bucket.
var blockInfo = []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}

// ErrTruncated says that a block ends before its columns do.
var ErrTruncated = errors.New("native block is truncated")

// Transcoder writes blocks of revision 0 at another revision.
type Transcoder struct {
	revision uint64
	types    map[string]*dataType // parsed once per result
}

// NewTranscoder returns a transcoder to a client's revision.
func NewTranscoder(revision uint64) *Transcoder {
	return &Transcoder{revision: revision, types: map[string]*dataType{}}
}

// Write writes whole blocks of revision 0 to w at the transcoder's revision.
// The pieces of data it passes on are views, not copies.
func (t *Transcoder) Write(w io.Writer, data []byte) error {
	if t.revision < revisionBlockInfo {
		_, err := w.Write(data)
		return err
	}
	for len(data) > 0 {
		n, err := t.block(w, data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// block writes the first block of data and returns its length.
func (t *Transcoder) block(w io.Writer, data []byte) (int, error) {
	if _, err := w.Write(blockInfo); err != nil {
		return 0, err
	}
	r := &reader{data: data}
	columns, rows := r.uvarint(), r.uvarint()
	from := 0
	for i := uint64(0); i < columns && r.err == nil; i++ {
		r.skip(r.uvarint()) // name
		typeName := string(r.take(r.uvarint()))
		if r.err != nil {
			break
		}
		column, err := t.dataType(typeName)
		if err != nil {
			return 0, err
		}
		if t.revision >= revisionCustomSerialization {
			if err := writeFlagged(w, data[from:r.pos]); err != nil {
				return 0, err
			}
			from = r.pos
		}
		if rows > 0 {
			column.walk(r, rows)
		}
	}
	if r.err != nil {
		return 0, r.err
	}
	_, err := w.Write(data[from:r.pos])
	return r.pos, err
}

// writeFlagged writes a column's name and type, and that its serialization is
// the default one.
func writeFlagged(w io.Writer, piece []byte) error {
	if _, err := w.Write(piece); err != nil {
		return err
	}
	_, err := w.Write([]byte{0})
	return err
}

func (t *Transcoder) dataType(name string) (*dataType, error) {
	if known, ok := t.types[name]; ok {
		return known, nil
	}
	parsed, err := parseType(name)
	if err != nil {
		return nil, fmt.Errorf("column type %s: %w", name, err)
	}
	t.types[name] = parsed
	return parsed, nil
}

// reader walks over a block; after an error it stays where it is.
type reader struct {
	data []byte
	pos  int
	err  error
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.data)-r.pos) {
		r.fail(ErrTruncated)
		return nil
	}
	start := r.pos
	r.pos += int(n)
	return r.data[start:r.pos]
}

func (r *reader) skip(n uint64) { r.take(n) }

// skipMany passes n values of a size, without overflow.
func (r *reader) skipMany(n uint64, size int) {
	if size > 0 && n > uint64(len(r.data))/uint64(size) {
		r.fail(ErrTruncated)
		return
	}
	r.take(n * uint64(size))
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	value, n := binary.Uvarint(r.data[r.pos:])
	if n <= 0 {
		r.fail(ErrTruncated)
		return 0
	}
	r.pos += n
	return value
}

func (r *reader) uint64() uint64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// text reads a length and that many bytes.
func (r *reader) text() string { return string(r.take(r.uvarint())) }
