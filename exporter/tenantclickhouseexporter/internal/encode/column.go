package encode

import "encoding/binary"

// column holds the rows of one column, in the layout of the Native format or in a
// denser one.
type column interface {
	// writePrefix writes what precedes the rows: the versions of the dictionaries
	// within.
	writePrefix(out native)
	// writeRows writes all rows.
	writeRows(out native)
	// size is the number of bytes in memory.
	size() int
	// appendGrowth appends what the column has gained since the last call.
	appendGrowth(dst []byte) []byte
	// absorb adds what appendGrowth of another column has appended. A column that
	// absorbs is given nothing else.
	absorb(src *source)
	// selectRows copies the rows in some ranges; rows is how many the column has.
	selectRows(rows int, ranges []Range) column
	reset()
}

// buffer is bytes that only grow, and how many of them the log has.
type buffer struct {
	data   []byte
	logged int
}

func (b *buffer) reset() { b.data, b.logged = b.data[:0], 0 }

func (b *buffer) appendGrowth(dst []byte) []byte {
	gained := b.data[b.logged:]
	b.logged = len(b.data)
	dst = binary.AppendUvarint(dst, uint64(len(gained)))
	return append(dst, gained...)
}

func (b *buffer) absorb(src *source) { b.data = append(b.data, src.bytes()...) }

// fixedColumn holds values of one width, little-endian.
type fixedColumn struct{ buffer }

func (c *fixedColumn) writePrefix(native)   {}
func (c *fixedColumn) writeRows(out native) { out.bytes(c.data) }
func (c *fixedColumn) size() int            { return len(c.data) }

func (c *fixedColumn) bytes(v []byte) { c.data = append(c.data, v...) }
func (c *fixedColumn) uint8(v uint8)  { c.data = append(c.data, v) }
func (c *fixedColumn) uint16(v uint16) {
	c.data = binary.LittleEndian.AppendUint16(c.data, v)
}
func (c *fixedColumn) uint32(v uint32) {
	c.data = binary.LittleEndian.AppendUint32(c.data, v)
}
func (c *fixedColumn) uint64(v uint64) {
	c.data = binary.LittleEndian.AppendUint64(c.data, v)
}

// stringColumn holds strings, each after its length.
type stringColumn struct{ buffer }

func (c *stringColumn) writePrefix(native)   {}
func (c *stringColumn) writeRows(out native) { out.bytes(c.data) }
func (c *stringColumn) size() int            { return len(c.data) }

func (c *stringColumn) add(v string) { c.data = appendString(c.data, v) }

// addBytes is add for a text that stands in a scratch buffer.
func (c *stringColumn) addBytes(v []byte) {
	c.data = binary.AppendUvarint(c.data, uint64(len(v)))
	c.data = append(c.data, v...)
}

func appendString(dst []byte, v string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	return append(dst, v...)
}
