package encode

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// appendJSON appends a value as plain JSON, to be read and to be queried with
// ClickHouse's JSON functions.
func appendJSON(dst []byte, value pcommon.Value) []byte {
	switch value.Type() {
	case pcommon.ValueTypeBool:
		return strconv.AppendBool(dst, value.Bool())
	case pcommon.ValueTypeInt:
		return strconv.AppendInt(dst, value.Int(), 10)
	case pcommon.ValueTypeDouble:
		return appendJSONDouble(dst, value.Double())
	case pcommon.ValueTypeStr:
		return appendQuoted(dst, value.Str())
	case pcommon.ValueTypeBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, value.Bytes().AsRaw())
		return append(dst, '"')
	case pcommon.ValueTypeSlice:
		dst = append(dst, '[')
		for i, element := range value.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, element)
		}
		return append(dst, ']')
	case pcommon.ValueTypeMap:
		dst = append(dst, '{')
		first := true
		for key, element := range value.Map().All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendQuoted(dst, key), ':')
			dst = appendJSON(dst, element)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// appendExact appends a value as the AnyValue of OTLP/JSON (opentelemetry-proto,
// docs/specification, JSON Protobuf encoding), which keeps every type.
func appendExact(dst []byte, value pcommon.Value) []byte {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return append(appendQuoted(append(dst, `{"stringValue":`...), value.Str()), '}')
	case pcommon.ValueTypeBool:
		return append(strconv.AppendBool(append(dst, `{"boolValue":`...), value.Bool()), '}')
	case pcommon.ValueTypeInt:
		dst = strconv.AppendInt(append(dst, `{"intValue":"`...), value.Int(), 10)
		return append(dst, `"}`...)
	case pcommon.ValueTypeDouble:
		return append(appendJSONDouble(append(dst, `{"doubleValue":`...), value.Double()), '}')
	case pcommon.ValueTypeBytes:
		dst = base64.StdEncoding.AppendEncode(append(dst, `{"bytesValue":"`...), value.Bytes().AsRaw())
		return append(dst, `"}`...)
	case pcommon.ValueTypeSlice:
		dst = append(dst, `{"arrayValue":{"values":[`...)
		for i, element := range value.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendExact(dst, element)
		}
		return append(dst, `]}}`...)
	case pcommon.ValueTypeMap:
		dst = append(dst, `{"kvlistValue":{"values":[`...)
		first := true
		for key, element := range value.Map().All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendQuoted(append(dst, `{"key":`...), key)
			dst = append(appendExact(append(dst, `,"value":`...), element), '}')
		}
		return append(dst, `]}}`...)
	default:
		return append(dst, `{}`...)
	}
}

// appendJSONDouble quotes what JSON has no number for, as OTLP/JSON does.
func appendJSONDouble(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(appendDouble(append(dst, '"'), v), '"')
	}
	return appendDouble(dst, v)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string. Bytes that are no UTF-8 become U+FFFD, since
// JSON cannot carry them; OTLP demands UTF-8 of its strings.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c < 0x20 || c == 0x7f:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			default:
				dst = append(dst, c)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return append(dst, '"')
}
