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
	flat     bool // Dynamic whose rows hold an index, as wide as it must be
}

// Versions of the types that carry one. Which the engine writes depends on
// output_format_native_use_flattened_dynamic_and_json_serialization and
// output_format_native_write_json_as_string.
const (
	lowCardinalityVersion = 1
	variantBasic          = 0
	dynamicV1             = 1
	dynamicFlat           = 3
	objectV1              = 0
	objectText            = 1
	objectFlat            = 3
)

func (t *dataType) prefix(r *reader) *state {
	switch t.layout {
	case lowCardinality:
		r.expect("LowCardinality version", lowCardinalityVersion)
		return &state{dataType: t}
	case variant:
		r.expect("Variant mode", variantBasic)
	case dynamic:
		return dynamicPrefix(r)
	case object:
		return t.objectPrefix(r)
	}
	return t.elementPrefixes(r)
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
	var names []string
	flat := false
	switch version := r.uint64(); {
	case r.err != nil:
	case version == dynamicFlat:
		flat = true
	case version == dynamicV1:
		r.uvarint() // the highest number of types
		names = []string{sharedVariant}
	default:
		r.fail(fmt.Errorf("version %d of Dynamic is not supported", version))
	}
	count := r.uvarint()
	for i := uint64(0); i < count && r.err == nil; i++ {
		names = append(names, r.text())
	}
	if flat {
		s := variantOf(r, names).elementPrefixes(r)
		s.flat = true
		return s
	}
	slices.Sort(names)
	r.expect("Variant mode", variantBasic)
	return variantOf(r, names).elementPrefixes(r)
}

// variantOf makes a Variant of the types of a Dynamic.
func variantOf(r *reader, names []string) *dataType {
	v := &dataType{layout: variant}
	for _, name := range names {
		if name == sharedVariant {
			v.elements = append(v.elements, &dataType{layout: text})
			continue
		}
		element, err := parseType(name)
		if err != nil {
			r.fail(fmt.Errorf("type %s in a Dynamic: %w", name, err))
			break
		}
		v.elements = append(v.elements, element)
	}
	return v
}

func (t *dataType) elementPrefixes(r *reader) *state {
	s := &state{dataType: t}
	for _, element := range t.elements {
		if r.err != nil {
			break
		}
		s.children = append(s.children, element.prefix(r))
	}
	return s
}

// objectPrefix reads the paths of a JSON: typed ones by the type, dynamic
// ones listed here, and, unless flat, the rest as pairs of path and value.
func (t *dataType) objectPrefix(r *reader) *state {
	version := r.uint64()
	switch version {
	case objectText:
		return &state{dataType: t, asText: true}
	case objectV1:
		r.uvarint() // the highest number of dynamic paths
	case objectFlat:
	default:
		r.fail(fmt.Errorf("JSON version %d is not supported", version))
	}
	paths := r.uvarint()
	for i := uint64(0); i < paths && r.err == nil; i++ {
		r.text()
	}
	s := t.elementPrefixes(r)
	for i := uint64(0); i < paths && r.err == nil; i++ {
		s.children = append(s.children, dynamicPrefix(r))
	}
	if version == objectV1 {
		s.children = append(s.children, sharedData.prefix(r))
	}
	return s
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
	counts := make([]uint64, len(s.children))
	width := 1
	for s.flat && width < 8 && len(s.children) >= 1<<(8*width) {
		width *= 2
	}
	if n > uint64(len(r.data)) {
		r.fail(ErrTruncated)
		return
	}
	indexes := r.take(n * uint64(width))
	for ; len(indexes) > 0; indexes = indexes[width:] {
		index := uint64(indexes[0])
		for i := 1; i < width; i++ {
			index |= uint64(indexes[i]) << (8 * i)
		}
		switch {
		case index < uint64(len(counts)):
			counts[index]++
		case s.flat && index == uint64(len(counts)), !s.flat && index == noVariant: // NULL
		default:
			r.fail(fmt.Errorf("variant %d of %d", index, len(counts)))
			return
		}
	}
	for i, child := range s.children {
		child.data(r, counts[i])
	}
}
