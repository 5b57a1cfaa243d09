package clickhouse

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// pairs selects a map of attributes and the map of their types as lists, because a Go map
// would lose the order and repeated keys.
func pairs(values, types chsql.Expr) chsql.Expr {
	return chsql.SQL("[CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)'), CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)')]",
		values, values, types, types)
}

// nestedPairs is pairs for arrays of maps.
func nestedPairs(values, types chsql.Expr) chsql.Expr {
	return chsql.SQL("arrayMap((v, t) -> ?, ?, ?)", pairs(chsql.SQL("v"), chsql.SQL("t")), values, types)
}

// attributesOf reads what pairs selects. The types name only what is not a string, unless a
// key repeats: then they name each value, in order (docs/storage.md).
func attributesOf(lists [][]string) []queryserver.Attribute {
	keys, values, typeKeys, types := lists[0], lists[1], lists[2], lists[3]
	everyTyped := slices.Equal(keys, typeKeys)
	attributes := make([]queryserver.Attribute, len(keys))
	for i, key := range keys {
		name := ""
		if everyTyped {
			name = types[i]
		} else if at := slices.Index(typeKeys, key); at >= 0 {
			name = types[at]
		}
		attributes[i] = attribute(key, values[i], name)
	}
	return attributes
}

// attribute reads a value from its text and its type, which of nested values is their exact
// form.
func attribute(key, text, name string) queryserver.Attribute {
	return queryserver.Attribute{Key: key, Value: valueOf(text, name)}
}

func valueOf(text, name string) queryserver.Value {
	switch {
	case name == "" || name == "string":
		return queryserver.Value{Type: "string", JSON: jsonText(text)}
	case name == "empty":
		return queryserver.Value{Type: name, JSON: json.RawMessage("null")}
	case name == "bytes":
		return queryserver.Value{Type: name, JSON: jsonText(text)}
	case name == "int":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil && -exactInJSON <= number && number <= exactInJSON {
			return queryserver.Value{Type: name, JSON: json.RawMessage(text)}
		}
		return queryserver.Value{Type: name, JSON: jsonText(text)}
	case name == "double" && (text == "NaN" || text == "Infinity" || text == "-Infinity"):
		return queryserver.Value{Type: name, JSON: jsonText(text)}
	case name == "double" || name == "bool":
		return queryserver.Value{Type: name, JSON: json.RawMessage(text)}
	case strings.HasPrefix(name, `{"arrayValue"`):
		return queryserver.Value{Type: "array", JSON: json.RawMessage(text), OTLP: json.RawMessage(name)}
	default:
		return queryserver.Value{Type: "kvlist", JSON: json.RawMessage(text), OTLP: json.RawMessage(name)}
	}
}

// exactInJSON is the largest integer that every reader of JSON takes exactly (RFC 8259
// section 6).
const exactInJSON = 1 << 53

// jsonText is a text as JSON. What is not UTF-8 becomes U+FFFD.
func jsonText(text string) json.RawMessage {
	written, _ := json.Marshal(text) // strings always can
	return written
}
