package encode

import "encoding/binary"

// ends are the positions at which the lists of a column end.
type ends struct {
	data   []byte // as uint64
	total  uint64
	logged int
}

// add ends a list of n elements.
func (e *ends) add(n int) {
	e.total += uint64(n)
	e.data = binary.LittleEndian.AppendUint64(e.data, e.total)
}

func (e *ends) reset() { *e = ends{data: e.data[:0]} }

// appendGrowth appends the lengths of the new lists, most of which are small.
func (e *ends) appendGrowth(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(e.data)-e.logged)/8)
	var before uint64
	if e.logged > 0 {
		before = binary.LittleEndian.Uint64(e.data[e.logged-8:])
	}
	for ; e.logged < len(e.data); e.logged += 8 {
		end := binary.LittleEndian.Uint64(e.data[e.logged:])
		dst = binary.AppendUvarint(dst, end-before)
		before = end
	}
	return dst
}

func (e *ends) absorb(src *source) {
	for range src.count(1) {
		e.add(int(src.uvarint()))
	}
}

// arrayColumn holds arrays: where each ends, and the elements of all of them in
// the inner column, which the caller fills.
type arrayColumn[C column] struct {
	ends  ends
	inner C
}

func newArray[C column](inner C) *arrayColumn[C] { return &arrayColumn[C]{inner: inner} }

// add closes an array whose n elements the caller has appended to inner.
func (c *arrayColumn[C]) add(n int) { c.ends.add(n) }

func (c *arrayColumn[C]) appendPrefix(dst []byte) []byte { return c.inner.appendPrefix(dst) }
func (c *arrayColumn[C]) appendRows(dst []byte) []byte {
	return c.inner.appendRows(append(dst, c.ends.data...))
}
func (c *arrayColumn[C]) size() int { return len(c.ends.data) + c.inner.size() }

func (c *arrayColumn[C]) appendGrowth(dst []byte) []byte {
	return c.inner.appendGrowth(c.ends.appendGrowth(dst))
}

func (c *arrayColumn[C]) absorb(src *source) {
	c.ends.absorb(src)
	c.inner.absorb(src)
}

func (c *arrayColumn[C]) reset() {
	c.ends.reset()
	c.inner.reset()
}
