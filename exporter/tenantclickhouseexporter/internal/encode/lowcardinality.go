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
	values  []byte // the dictionary's strings, each after its length
	rows    []uint32

	// The strings of a column come in runs: the last one needs no look-up.
	last       string
	lastNumber uint32
}

func newLowCardinality() *lowCardinality {
	return &lowCardinality{numbers: make(map[string]uint32)}
}

// number returns the dictionary's number of a string, which is added if new.
func (c *lowCardinality) number(v string) uint32 {
	if v == c.last && len(c.numbers) > 0 {
		return c.lastNumber
	}
	n, known := c.numbers[v]
	if !known {
		n = uint32(len(c.numbers))
		c.numbers[v] = n
		c.values = appendString(c.values, v)
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
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.numbers)))
	dst = append(dst, c.values...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.rows)))
	switch width {
	case 1:
		for _, n := range c.rows {
			dst = append(dst, uint8(n))
		}
	case 2:
		for _, n := range c.rows {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		}
	default:
		for _, n := range c.rows {
			dst = binary.LittleEndian.AppendUint32(dst, n)
		}
	}
	return dst
}

// width is the bytes of a number, and the format's name for that.
func (c *lowCardinality) width() (bytes int, kind uint64) {
	switch entries := len(c.numbers); {
	case entries <= 1<<8:
		return 1, 0
	case entries <= 1<<16:
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
	return 32 + len(c.values) + width*len(c.rows)
}

func (c *lowCardinality) reset() {
	clear(c.numbers)
	c.values = c.values[:0]
	c.rows = c.rows[:0]
	c.last, c.lastNumber = "", 0
}
