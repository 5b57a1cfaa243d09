package native

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrUnsupported marks a type whose length in a block cannot be known without
// the engine, such as an aggregate function's state.
var ErrUnsupported = errors.New("type cannot be sent to a client of this protocol version: finalize it in the query")

// maxTypeDepth bounds the nesting of a type.
const maxTypeDepth = 64

// sizes are the types of a fixed number of bytes without a parameter that
// matters.
var sizes = map[string]int{
	"Int8": 1, "UInt8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
	"Int16": 2, "UInt16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "DateTime32": 4, "Time": 4, "IPv4": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16,
	"Int256": 32, "UInt256": 32,
}

// aliases are named types made of others.
var aliases = map[string]string{
	"Point":           "Tuple(Float64, Float64)",
	"Ring":            "Array(Point)",
	"LineString":      "Array(Point)",
	"MultiLineString": "Array(LineString)",
	"Polygon":         "Array(Ring)",
	"MultiPolygon":    "Array(Polygon)",
	"Geometry":        "Variant(LineString, MultiLineString, MultiPolygon, Point, Polygon, Ring)",
}

func parseType(name string) (*dataType, error) { return parseNested(name, 0) }

func parseNested(name string, depth int) (*dataType, error) {
	if depth > maxTypeDepth {
		return nil, errors.New("type is nested too deep")
	}
	base, arguments, err := splitType(strings.TrimSpace(name))
	if err != nil {
		return nil, err
	}
	if size, ok := sizes[base]; ok {
		return &dataType{size: size}, nil
	}
	if strings.HasPrefix(base, "Interval") {
		return &dataType{size: 8}, nil
	}
	if alias, ok := aliases[base]; ok {
		return parseNested(alias, depth+1)
	}
	return parseParametric(base, arguments, depth)
}

func parseParametric(base string, arguments []string, depth int) (*dataType, error) {
	switch base {
	case "String":
		return &dataType{layout: text}, nil
	case "FixedString":
		return parseFixedString(arguments)
	case "Decimal":
		return parseDecimal(arguments)
	case "Nullable":
		return parseElements(nullable, arguments, 1, depth)
	case "Array":
		return parseElements(array, arguments, 1, depth)
	case "LowCardinality":
		return parseLowCardinality(arguments, depth)
	case "SimpleAggregateFunction":
		if len(arguments) < 2 {
			return nil, fmt.Errorf("%s has too few arguments", base)
		}
		return parseNested(arguments[1], depth+1)
	case "Variant":
		return parseElements(variant, arguments, len(arguments), depth)
	case "Tuple":
		return parseTuple(arguments, depth)
	case "Map", "Nested":
		row, err := parseTuple(arguments, depth)
		return &dataType{layout: array, elements: []*dataType{row}}, err
	case "Dynamic":
		return &dataType{layout: dynamic}, nil
	case "JSON":
		return parseObject(arguments, depth)
	case "QBit":
		return parseQBit(arguments)
	default:
		return nil, ErrUnsupported
	}
}

func parseElements(l layout, arguments []string, want, depth int) (*dataType, error) {
	if len(arguments) != want || want == 0 {
		return nil, fmt.Errorf("%d arguments", len(arguments))
	}
	t := &dataType{layout: l}
	for _, argument := range arguments {
		element, err := parseNested(argument, depth+1)
		if err != nil {
			return nil, err
		}
		t.elements = append(t.elements, element)
	}
	return t, nil
}

// parseLowCardinality: the dictionary's keys are not nullable; NULL is key 0.
func parseLowCardinality(arguments []string, depth int) (*dataType, error) {
	t, err := parseElements(lowCardinality, arguments, 1, depth)
	if err == nil && t.elements[0].layout == nullable {
		t.elements = t.elements[0].elements
	}
	return t, err
}

// parseTuple takes elements with or without names. A tuple without elements
// is one byte a row.
func parseTuple(arguments []string, depth int) (*dataType, error) {
	if len(arguments) == 0 {
		return &dataType{size: 1}, nil
	}
	types := make([]string, len(arguments))
	for i, argument := range arguments {
		types[i] = withoutName(argument)
	}
	return parseElements(tuple, types, len(types), depth)
}

// withoutName removes the name before an element's type.
func withoutName(element string) string {
	if strings.HasPrefix(element, "`") || strings.HasPrefix(element, `"`) {
		if end := quotedEnd(element, 0); end < len(element) {
			return element[end:]
		}
	}
	for i := 0; i < len(element); i++ {
		switch element[i] {
		case '(':
			return element
		case ' ':
			return element[i+1:]
		}
	}
	return element
}

func parseFixedString(arguments []string) (*dataType, error) {
	if len(arguments) != 1 {
		return nil, fmt.Errorf("%d arguments", len(arguments))
	}
	n, err := strconv.Atoi(arguments[0])
	if err != nil || n < 1 {
		return nil, fmt.Errorf("length %q", arguments[0])
	}
	return &dataType{size: n}, nil
}

func parseDecimal(arguments []string) (*dataType, error) {
	if len(arguments) == 0 {
		return nil, errors.New("no precision")
	}
	precision, err := strconv.Atoi(arguments[0])
	switch {
	case err != nil || precision < 1 || precision > 76:
		return nil, fmt.Errorf("precision %q", arguments[0])
	case precision <= 9:
		return &dataType{size: 4}, nil
	case precision <= 18:
		return &dataType{size: 8}, nil
	case precision <= 38:
		return &dataType{size: 16}, nil
	default:
		return &dataType{size: 32}, nil
	}
}

// parseObject reads a JSON's typed paths, which a block has in the order of
// their names; the other arguments only say how paths are chosen.
func parseObject(arguments []string, depth int) (*dataType, error) {
	type path struct{ name, dataType string }
	var paths []path
	for _, argument := range arguments {
		dataType := withoutName(argument)
		name := strings.TrimSpace(strings.TrimSuffix(argument, dataType))
		if name == "" || name == "SKIP" || strings.Contains(name, "=") {
			continue
		}
		paths = append(paths, path{strings.Trim(name, "`"), dataType})
	}
	slices.SortFunc(paths, func(a, b path) int { return cmp.Compare(a.name, b.name) })
	t := &dataType{layout: object}
	for _, path := range paths {
		element, err := parseNested(path.dataType, depth+1)
		if err != nil {
			return nil, err
		}
		t.elements = append(t.elements, element)
	}
	return t, nil
}

// parseQBit: the bits of a vector's elements, transposed: one FixedString per
// bit of the element type, each with one bit per element.
func parseQBit(arguments []string) (*dataType, error) {
	if len(arguments) < 2 {
		return nil, fmt.Errorf("%d arguments", len(arguments))
	}
	width, ok := sizes[arguments[0]]
	length, err := strconv.Atoi(arguments[1])
	if !ok || err != nil || length < 1 {
		return nil, fmt.Errorf("QBit of %q", arguments)
	}
	return &dataType{size: width * 8 * ((length + 7) / 8)}, nil
}

// splitType splits Name(a, b(c), …) into the name and the arguments.
func splitType(s string) (string, []string, error) {
	open := strings.IndexByte(s, '(')
	if open < 0 {
		return s, nil, nil
	}
	if !strings.HasSuffix(s, ")") {
		return "", nil, fmt.Errorf("type %q has no closing parenthesis", s)
	}
	base, body := s[:open], s[open+1:len(s)-1]
	var arguments []string
	depth, start := 0, 0
	for i := 0; i < len(body); {
		switch body[i] {
		case '\'', '`', '"':
			i = quotedEnd(body, i)
			continue
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				arguments = append(arguments, strings.TrimSpace(body[start:i]))
				start = i + 1
			}
		}
		i++
	}
	if last := strings.TrimSpace(body[start:]); last != "" || start > 0 {
		arguments = append(arguments, last)
	}
	return base, arguments, nil
}

// quotedEnd returns the position after a quoted piece that begins at start.
func quotedEnd(s string, start int) int {
	for i := start + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[start]:
			return i + 1
		}
	}
	return len(s)
}
