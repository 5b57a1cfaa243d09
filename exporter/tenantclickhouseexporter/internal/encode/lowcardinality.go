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
	rows    numbers

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

func (c *lowCardinality) add(v string) { c.rows.add(c.number(v)) }

// addBytes is add for a text that stands in a scratch buffer; a known text is
// found without a copy.
func (c *lowCardinality) addBytes(v []byte) {
	if n, known := c.numbers[string(v)]; known {
		c.rows.add(n)
		return
	}
	c.add(string(v))
}

func (c *lowCardinality) writePrefix(out native) { out.uint64(sharedDictionariesWithAdditionalKeys) }

func (c *lowCardinality) writeRows(out native) {
	if c.rows.count() == 0 {
		return
	}
	out.uint64(c.rows.kind() | hasAdditionalKeys | needUpdateDictionary)
	out.uint64(uint64(c.entries))
	out.bytes(c.values.data)
	out.uint64(uint64(c.rows.count()))
	out.bytes(c.rows.data)
}

func (c *lowCardinality) size() int { return len(c.values.data) + len(c.rows.data) }

func (c *lowCardinality) reset() {
	clear(c.numbers)
	c.entries = 0
	c.values.reset()
	c.rows.reset()
	c.loggedEntries, c.loggedRows = 0, 0
	c.last, c.lastNumber = "", 0
}

func (c *lowCardinality) appendGrowth(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.entries-c.loggedEntries))
	dst = c.values.appendGrowth(dst)
	dst = c.rows.appendFrom(dst, c.loggedRows)
	c.loggedEntries, c.loggedRows = c.entries, c.rows.count()
	return dst
}

// absorb does not learn the numbers of the strings: nothing will be added.
func (c *lowCardinality) absorb(src *source) {
	c.entries += int(src.uvarint())
	c.values.absorb(src)
	c.rows.absorb(src, c.entries)
}
