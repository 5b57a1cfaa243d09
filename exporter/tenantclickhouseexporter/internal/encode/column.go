package encode

import "encoding/binary"

// column holds the rows of one column in the layout of the Native format.
type column interface {
	// appendPrefix appends what precedes the rows: the versions of the
	// dictionaries within.
	appendPrefix(dst []byte) []byte
	// appendRows appends all rows.
	appendRows(dst []byte) []byte
	// size is the number of bytes that both will append.
	size() int
	reset()
}

// fixedColumn holds values of one width, little-endian.
type fixedColumn struct{ data []byte }

func (c *fixedColumn) appendPrefix(dst []byte) []byte { return dst }
func (c *fixedColumn) appendRows(dst []byte) []byte   { return append(dst, c.data...) }
func (c *fixedColumn) size() int                      { return len(c.data) }
func (c *fixedColumn) reset()                         { c.data = c.data[:0] }

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
type stringColumn struct{ data []byte }

func (c *stringColumn) appendPrefix(dst []byte) []byte { return dst }
func (c *stringColumn) appendRows(dst []byte) []byte   { return append(dst, c.data...) }
func (c *stringColumn) size() int                      { return len(c.data) }
func (c *stringColumn) reset()                         { c.data = c.data[:0] }

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

// arrayColumn holds arrays: where each ends, and the elements of all of them in
// the inner column, which the caller fills.
type arrayColumn[C column] struct {
	ends  fixedColumn
	total uint64
	inner C
}

func newArray[C column](inner C) *arrayColumn[C] { return &arrayColumn[C]{inner: inner} }

// add closes an array whose n elements the caller has appended to inner.
func (c *arrayColumn[C]) add(n int) {
	c.total += uint64(n)
	c.ends.uint64(c.total)
}

func (c *arrayColumn[C]) appendPrefix(dst []byte) []byte { return c.inner.appendPrefix(dst) }
func (c *arrayColumn[C]) appendRows(dst []byte) []byte {
	return c.inner.appendRows(c.ends.appendRows(dst))
}
func (c *arrayColumn[C]) size() int { return c.ends.size() + c.inner.size() }
func (c *arrayColumn[C]) reset() {
	c.ends.reset()
	c.total = 0
	c.inner.reset()
}
