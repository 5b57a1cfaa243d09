package encode

import (
	"encoding/binary"
	"slices"
)

// numbers are the rows of a dictionary's column: each is the number of an entry, in as
// few bytes as the largest of them needs, 1, 2 or 4. That is also how the Native format
// has them.
type numbers struct {
	data  []byte
	shift uint8 // a number takes 1 << shift bytes
}

// kind is the format's name for the width.
func (n *numbers) kind() uint64 { return uint64(n.shift) }
func (n *numbers) count() int   { return len(n.data) >> n.shift }

func (n *numbers) reset() { n.data, n.shift = n.data[:0], 0 }

func (n *numbers) add(v uint32) {
	if n.shift == 0 && v < 1<<8 {
		n.data = append(n.data, uint8(v))
		return
	}
	n.addWide(v)
}

func (n *numbers) addWide(v uint32) {
	switch {
	case v >= 1<<16:
		n.widen(2)
	case v >= 1<<8:
		n.widen(1)
	}
	switch n.shift {
	case 0:
		n.data = append(n.data, uint8(v))
	case 1:
		n.data = binary.LittleEndian.AppendUint16(n.data, uint16(v))
	default:
		n.data = binary.LittleEndian.AppendUint32(n.data, v)
	}
}

// widen gives each number 1 << shift bytes, unless it has as many: the last one first,
// so that none is overwritten before it is read.
func (n *numbers) widen(shift uint8) {
	if shift <= n.shift {
		return
	}
	count := n.count()
	n.data = slices.Grow(n.data, count<<shift-len(n.data))[:count<<shift]
	for row := count - 1; row >= 0; row-- {
		v := n.at(row)
		if shift == 1 {
			binary.LittleEndian.PutUint16(n.data[2*row:], uint16(v))
		} else {
			binary.LittleEndian.PutUint32(n.data[4*row:], v)
		}
	}
	n.shift = shift
}

func (n *numbers) at(row int) uint32 {
	switch n.shift {
	case 0:
		return uint32(n.data[row])
	case 1:
		return uint32(binary.LittleEndian.Uint16(n.data[2*row:]))
	default:
		return binary.LittleEndian.Uint32(n.data[4*row:])
	}
}

// drop takes back the last rows.
func (n *numbers) drop(rows int) { n.data = n.data[:len(n.data)-rows<<n.shift] }

// appendFrom appends the rows from one on: their width, their count, and themselves.
func (n *numbers) appendFrom(dst []byte, from int) []byte {
	gained := n.data[from<<n.shift:]
	dst = append(dst, 1<<n.shift)
	dst = binary.AppendUvarint(dst, uint64(len(gained)>>n.shift))
	return append(dst, gained...)
}

// absorb adds what appendFrom has appended, numbers below a limit. The width becomes
// that of the other.
func (n *numbers) absorb(src *source, limit int) {
	added := numbers{shift: src.shift()}
	added.data = src.take(src.count(1<<added.shift) << added.shift)
	n.widen(added.shift)
	for row := range added.count() {
		v := added.at(row)
		src.check(int(v) < limit)
		n.add(v)
	}
}

func (n *numbers) selectRows(ranges []Range) numbers {
	selected := numbers{shift: n.shift}
	for _, r := range ranges {
		selected.data = append(selected.data, n.data[r.From<<n.shift:r.To<<n.shift]...)
	}
	return selected
}
