package encode

import "go.opentelemetry.io/collector/pdata/pcommon"

// text is a column that takes strings.
type text interface {
	column
	add(string)
	addBytes([]byte)
}

// mapColumn holds maps as arrays of (key, value). Keys are kept as they came, in
// their order and with their repetitions: a look-up in ClickHouse finds the first.
type mapColumn[V text] struct {
	ends   ends
	keys   *lowCardinality
	values V

	// The items of one source have the same keys in the same order, so that the
	// key at a position is mostly that of the item before.
	before []keyNumber

	// For repeats: the last check that met a key, by the key's number.
	checks uint64
	met    []uint64
}

type keyNumber struct {
	key    string
	number uint32
}

func newMap() *mapColumn[*stringColumn] {
	return &mapColumn[*stringColumn]{keys: newLowCardinality(), values: &stringColumn{}}
}

func newCompactMap() *mapColumn[*lowCardinality] {
	return &mapColumn[*lowCardinality]{keys: newLowCardinality(), values: newLowCardinality()}
}

// key adds the key at a position of the current map.
func (c *mapColumn[V]) key(position int, key string) {
	if position < len(c.before) {
		if known := &c.before[position]; known.key == key {
			c.keys.rows.add(known.number)
			return
		}
	}
	number := c.keys.number(key)
	c.keys.rows.add(number)
	if position < len(c.before) {
		c.before[position] = keyNumber{key, number}
	} else if position == len(c.before) && position < maxRememberedKeys {
		c.before = append(c.before, keyNumber{key, number})
	}
}

// maxRememberedKeys bounds what an item of very many attributes leaves behind.
const maxRememberedKeys = 64

// close ends a map of n keys.
func (c *mapColumn[V]) close(n int) { c.ends.add(n) }

// repeats tells whether a key occurs twice among the last n, the keys of a map
// that is not closed yet.
func (c *mapColumn[V]) repeats(n int) bool {
	for len(c.met) < c.keys.entries {
		c.met = append(c.met, 0)
	}
	c.checks++
	for row := c.keys.rows.count() - n; row < c.keys.rows.count(); row++ {
		number := c.keys.rows.at(row)
		if c.met[number] == c.checks {
			return true
		}
		c.met[number] = c.checks
	}
	return false
}

func (c *mapColumn[V]) writePrefix(out native) {
	c.keys.writePrefix(out)
	c.values.writePrefix(out)
}

func (c *mapColumn[V]) writeRows(out native) {
	c.ends.write(out)
	c.keys.writeRows(out)
	c.values.writeRows(out)
}

func (c *mapColumn[V]) size() int { return len(c.ends.lengths) + c.keys.size() + c.values.size() }

func (c *mapColumn[V]) appendGrowth(dst []byte) []byte {
	return c.values.appendGrowth(c.keys.appendGrowth(c.ends.appendGrowth(dst)))
}

func (c *mapColumn[V]) absorb(src *source) {
	c.ends.absorb(src)
	c.keys.absorb(src)
	c.values.absorb(src)
}

func (c *mapColumn[V]) reset() {
	c.ends.reset()
	c.keys.reset()
	c.values.reset()
	clear(c.before) // the strings belong to requests that are gone
	c.before = c.before[:0]
}

// attributeColumns are the two columns of a list of attributes: the readable
// values, and the types of those that are not strings.
type attributeColumns struct {
	values *mapColumn[*stringColumn]
	types  *mapColumn[*lowCardinality]
}

func newAttributes() attributeColumns {
	return attributeColumns{values: newMap(), types: newCompactMap()}
}

// add appends one list of attributes. The scratch buffer comes back, perhaps grown.
// When a key repeats, its name alone does not tell which of its values a type
// belongs to: then every attribute has one.
func (c attributeColumns) add(attributes pcommon.Map, scratch []byte) []byte {
	position, typed := 0, 0
	for key, value := range attributes.All() {
		c.values.key(position, key)
		position++
		if value.Type() == pcommon.ValueTypeStr {
			c.values.values.add(value.Str())
			continue
		}
		scratch = appendText(scratch[:0], value)
		c.values.values.addBytes(scratch)
		scratch = c.addType(typed, key, value, scratch)
		typed++
	}
	if typed > 0 && typed < position && c.values.repeats(position) {
		c.dropTypes(typed)
		typed = 0
		for key, value := range attributes.All() {
			scratch = c.addType(typed, key, value, scratch)
			typed++
		}
	}
	c.values.close(position)
	c.types.close(typed)
	return scratch
}

func (c attributeColumns) addType(position int, key string, value pcommon.Value, scratch []byte) []byte {
	c.types.key(position, key)
	scratch = appendType(scratch[:0], value)
	c.types.values.addBytes(scratch)
	return scratch
}

// dropTypes takes back the last n types.
func (c attributeColumns) dropTypes(n int) {
	c.types.keys.rows.drop(n)
	c.types.values.rows.drop(n)
}
