package encode

import "encoding/binary"

// The Native layout of LowCardinality: ClickHouse,
// src/DataTypes/Serializations/SerializationLowCardinality.cpp.
const (
	sharedDictionariesWithAdditionalKeys = 1
	hasAdditionalKeys                    = 1 << 9
	needUpdateDictionary                 = 1 << 10
)

// lowCardinality holds strings as numbers into a dictionary of the block.
type lowCardinality struct {
	numbers map[string]uint32
	entries int    // of the dictionary
	values  buffer // its strings, each after its length
	rows    []uint32

	loggedEntries, loggedRows int

	// The strings of a column come in runs: the last one needs no look-up.
	last       string
	lastNumber uint32
}

func newLowCardinality() *lowCardinality {
	return &lowCardinality{numbers: make(map[string]uint32)}
}

// number returns the dictionary's number of a string, which is added if new.
func (c *lowCardinality) number(v string) uint32 {
	if v == c.last && c.entries > 0 {
		return c.lastNumber
	}
	n, known := c.numbers[v]
	if !known {
		n = uint32(c.entries)
		c.numbers[v] = n
		c.entries++
		c.values.data = appendString(c.values.data, v)
	}
	c.last, c.lastNumber = v, n
	return n
}

func (c *lowCardinality) add(v string) { c.rows = append(c.rows, c.number(v)) }

// addBytes is add for a text that stands in a scratch buffer; a known text is
// found without a copy.
func (c *lowCardinality) addBytes(v []byte) {
	if n, known := c.numbers[string(v)]; known {
		c.rows = append(c.rows, n)
		return
	}
	c.add(string(v))
}

func (c *lowCardinality) appendPrefix(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, sharedDictionariesWithAdditionalKeys)
}

func (c *lowCardinality) appendRows(dst []byte) []byte {
	if len(c.rows) == 0 {
		return dst
	}
	width, kind := c.width()
	dst = binary.LittleEndian.AppendUint64(dst, kind|hasAdditionalKeys|needUpdateDictionary)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.entries))
	dst = append(dst, c.values.data...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.rows)))
	return appendNumbers(dst, c.rows, width)
}

// appendNumbers appends numbers of so many bytes each.
func appendNumbers(dst []byte, numbers []uint32, width int) []byte {
	switch width {
	case 1:
		for _, n := range numbers {
			dst = append(dst, uint8(n))
		}
	case 2:
		for _, n := range numbers {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		}
	default:
		for _, n := range numbers {
			dst = binary.LittleEndian.AppendUint32(dst, n)
		}
	}
	return dst
}

// width is the bytes of a number, and the format's name for that.
func (c *lowCardinality) width() (bytes int, kind uint64) {
	switch {
	case c.entries <= 1<<8:
		return 1, 0
	case c.entries <= 1<<16:
		return 2, 1
	default:
		return 4, 2
	}
}

func (c *lowCardinality) size() int {
	if len(c.rows) == 0 {
		return 8
	}
	width, _ := c.width()
	return 32 + len(c.values.data) + width*len(c.rows)
}

func (c *lowCardinality) reset() {
	clear(c.numbers)
	c.entries = 0
	c.values.reset()
	c.rows = c.rows[:0]
	c.loggedEntries, c.loggedRows = 0, 0
	c.last, c.lastNumber = "", 0
}

func (c *lowCardinality) appendGrowth(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.entries-c.loggedEntries))
	dst = c.values.appendGrowth(dst)
	gained := c.rows[c.loggedRows:]
	c.loggedEntries, c.loggedRows = c.entries, len(c.rows)
	width, _ := c.width()
	dst = append(dst, uint8(width))
	dst = binary.AppendUvarint(dst, uint64(len(gained)))
	return appendNumbers(dst, gained, width)
}

// absorb does not learn the numbers of the strings: nothing will be added.
func (c *lowCardinality) absorb(src *source) {
	c.entries += int(src.uvarint())
	c.values.absorb(src)
	width := src.width()
	numbers := src.take(src.count(width) * width)
	for ; len(numbers) > 0; numbers = numbers[width:] {
		var n uint32
		switch width {
		case 1:
			n = uint32(numbers[0])
		case 2:
			n = uint32(binary.LittleEndian.Uint16(numbers))
		default:
			n = binary.LittleEndian.Uint32(numbers)
		}
		src.check(int(n) < c.entries)
		c.rows = append(c.rows, n)
	}
}
