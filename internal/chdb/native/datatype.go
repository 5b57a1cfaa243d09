package native

import (
	"fmt"
	"slices"
)

// dataType knows how a type's column is laid out: a prefix, which comes before
// all data of the column it is nested in, and the data of n rows.
type dataType struct {
	layout   layout
	size     int         // of a value, for fixed
	elements []*dataType // of array (1), nullable (1), tuple, variant, object (typed paths)
}

type layout uint8

const (
	fixed layout = iota
	text
	array
	nullable
	tuple
	lowCardinality
	variant
	dynamic
	object
)

// walk moves a reader past a column of n rows, n > 0.
func (t *dataType) walk(r *reader, n uint64) {
	s := t.prefix(r)
	s.data(r, n)
}

// state is a type together with what its prefix said: for a Dynamic or a JSON
// the types that follow are known only then.
type state struct {
	*dataType
	children []*state
	asText   bool // JSON written as strings
}

const (
	lowCardinalityVersion = 1
	variantBasic          = 0
	dynamicV1             = 1
	objectV1              = 0
	objectText            = 1
)

func (t *dataType) prefix(r *reader) *state {
	s := &state{dataType: t}
	switch t.layout {
	case lowCardinality:
		r.expect("LowCardinality version", lowCardinalityVersion)
		return s
	case variant:
		r.expect("Variant mode", variantBasic)
	case dynamic:
		return dynamicPrefix(r)
	case object:
		s.objectPrefix(r)
		return s
	}
	for _, element := range t.elements {
		s.children = append(s.children, element.prefix(r))
	}
	return s
}

func (r *reader) expect(what string, want uint64) {
	if got := r.uint64(); r.err == nil && got != want {
		r.fail(fmt.Errorf("%s %d is not supported", what, got))
	}
}

// sharedVariant holds the values of a Dynamic whose types found no place.
const sharedVariant = "SharedVariant"

// dynamicPrefix reads the types of a Dynamic, which is then a Variant of them.
func dynamicPrefix(r *reader) *state {
	r.expect("Dynamic version", dynamicV1)
	r.uvarint() // the highest number of types
	count := r.uvarint()
	names := []string{sharedVariant}
	for i := uint64(0); i < count && r.err == nil; i++ {
		names = append(names, r.text())
	}
	slices.Sort(names)
	v := &dataType{layout: variant}
	for _, name := range names {
		element := &dataType{layout: text}
		if name != sharedVariant {
			var err error
			if element, err = parseType(name); err != nil {
				r.fail(fmt.Errorf("type %s in a Dynamic: %w", name, err))
				break
			}
		}
		v.elements = append(v.elements, element)
	}
	if r.err != nil {
		return &state{dataType: v}
	}
	return v.prefix(r)
}

// objectPrefix reads the paths of a JSON: typed ones by the type, dynamic
// ones listed here, and the rest as pairs of path and value.
func (s *state) objectPrefix(r *reader) {
	switch version := r.uint64(); {
	case r.err != nil:
		return
	case version == objectText:
		s.asText = true
		return
	case version != objectV1:
		r.fail(fmt.Errorf("JSON version %d is not supported", version))
		return
	}
	r.uvarint() // the highest number of dynamic paths
	paths := r.uvarint()
	for i := uint64(0); i < paths && r.err == nil; i++ {
		r.text()
	}
	for _, typed := range s.elements {
		s.children = append(s.children, typed.prefix(r))
	}
	for i := uint64(0); i < paths && r.err == nil; i++ {
		s.children = append(s.children, dynamicPrefix(r))
	}
	s.children = append(s.children, sharedData.prefix(r))
}

// sharedData is Array(Tuple(path String, value String)).
var sharedData = &dataType{layout: array, elements: []*dataType{{layout: tuple, elements: []*dataType{{layout: text}, {layout: text}}}}}

// data moves a reader past the data of n rows.
func (s *state) data(r *reader, n uint64) {
	if r.err != nil {
		return
	}
	switch s.layout {
	case fixed:
		r.skipMany(n, s.size)
	case text:
		skipTexts(r, n)
	case nullable:
		r.skip(n)
		s.children[0].data(r, n)
	case array:
		s.children[0].data(r, lastOffset(r, n))
	case tuple:
		for _, child := range s.children {
			child.data(r, n)
		}
	case lowCardinality:
		s.indexed(r, n)
	case variant:
		s.variants(r, n)
	case object:
		if s.asText {
			skipTexts(r, n)
			return
		}
		for _, child := range s.children {
			child.data(r, n)
		}
	}
}

func skipTexts(r *reader, n uint64) {
	for i := uint64(0); i < n && r.err == nil; i++ {
		r.skip(r.uvarint())
	}
}

// lastOffset reads the offsets of n arrays and returns the number of elements.
func lastOffset(r *reader, n uint64) uint64 {
	if n == 0 {
		return 0
	}
	r.skipMany(n-1, 8)
	return r.uint64()
}

const (
	indexSizeMask     = 0xff
	hasAdditionalKeys = 1 << 9
)

// indexed passes a dictionary and the indexes into it.
func (s *state) indexed(r *reader, n uint64) {
	if n == 0 {
		return
	}
	flags := r.uint64()
	if flags&hasAdditionalKeys != 0 {
		keys := r.uint64()
		s.elements[0].prefix(r).data(r, keys)
	}
	rows := r.uint64()
	if size := flags & indexSizeMask; size <= 3 {
		r.skipMany(rows, 1<<size)
		return
	}
	r.fail(fmt.Errorf("LowCardinality index type %d is not supported", flags&indexSizeMask))
}

// noVariant is the discriminator of NULL.
const noVariant = 255

// variants passes the discriminators, then each variant's rows.
func (s *state) variants(r *reader, n uint64) {
	var counts [256]uint64
	for _, discriminator := range r.take(n) {
		counts[discriminator]++
	}
	for i, child := range s.children {
		child.data(r, counts[i])
	}
	for i := len(s.children); i < noVariant; i++ {
		if counts[i] > 0 {
			r.fail(fmt.Errorf("variant %d of %d", i, len(s.children)))
		}
	}
}
