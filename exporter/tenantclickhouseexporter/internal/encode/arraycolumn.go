package encode

import "encoding/binary"

// ends are the lists of a column: how long each is. The Native format has the
// positions at which they end, 8 bytes each; a length mostly takes one.
type ends struct {
	lengths []byte // as uvarints
	lists   int
	total   uint64 // elements of all lists

	loggedBytes, loggedLists int
}

// add ends a list of n elements.
func (e *ends) add(n int) {
	e.lists++
	e.total += uint64(n)
	if n < 1<<7 {
		e.lengths = append(e.lengths, byte(n))
		return
	}
	e.lengths = binary.AppendUvarint(e.lengths, uint64(n))
}

func (e *ends) reset() { *e = ends{lengths: e.lengths[:0]} }

// write writes the positions.
func (e *ends) write(out native) {
	var end uint64
	for rest := e.lengths; len(rest) > 0; {
		n, width := uint64(rest[0]), 1
		if n >= 1<<7 {
			n, width = binary.Uvarint(rest)
		}
		rest = rest[width:]
		end += n
		out.uint64(end)
	}
}

// appendGrowth appends the lengths of the new lists.
func (e *ends) appendGrowth(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.lists-e.loggedLists))
	dst = append(dst, e.lengths[e.loggedBytes:]...)
	e.loggedLists, e.loggedBytes = e.lists, len(e.lengths)
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

func (c *arrayColumn[C]) writePrefix(out native) { c.inner.writePrefix(out) }
func (c *arrayColumn[C]) writeRows(out native) {
	c.ends.write(out)
	c.inner.writeRows(out)
}
func (c *arrayColumn[C]) size() int { return len(c.ends.lengths) + c.inner.size() }

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
