package encode

import (
	"encoding/base64"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The types of attribute values as the …_types columns name them. A string has
// none, unless a key of the list repeats. Of an array or a kvlist the column holds the exact value as OTLP/JSON,
// since the readable JSON cannot tell 1 from 1.0 or text from bytes.
const (
	typeText   = "string"
	typeEmpty  = "empty"
	typeBool   = "bool"
	typeInt    = "int"
	typeDouble = "double"
	typeBytes  = "bytes"
)

// appendText appends the readable form of a value: a string as it is, numbers and
// booleans as text that gives back the same value, bytes in base64, arrays and
// kvlists as JSON.
func appendText(dst []byte, value pcommon.Value) []byte {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return append(dst, value.Str()...)
	case pcommon.ValueTypeBytes:
		return base64.StdEncoding.AppendEncode(dst, value.Bytes().AsRaw())
	case pcommon.ValueTypeDouble:
		return appendDouble(dst, value.Double())
	case pcommon.ValueTypeEmpty:
		return dst
	default:
		return appendJSON(dst, value)
	}
}

// appendType appends the name of a value's type, or the exact value of a nested one.
func appendType(dst []byte, value pcommon.Value) []byte {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return append(dst, typeText...)
	case pcommon.ValueTypeBool:
		return append(dst, typeBool...)
	case pcommon.ValueTypeInt:
		return append(dst, typeInt...)
	case pcommon.ValueTypeDouble:
		return append(dst, typeDouble...)
	case pcommon.ValueTypeBytes:
		return append(dst, typeBytes...)
	case pcommon.ValueTypeSlice, pcommon.ValueTypeMap:
		return appendExact(dst, value)
	case pcommon.ValueTypeEmpty:
		return append(dst, typeEmpty...)
	default:
		return dst
	}
}

// appendDouble writes the shortest text that reads back as the same double.
func appendDouble(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	default:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
}
