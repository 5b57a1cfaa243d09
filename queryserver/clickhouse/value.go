package clickhouse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// pairs is a list of attributes as a row gives it: keys, values, and the keys and names of
// types.
type pairs [][]string

// pairsOf selects pairs from a map of values and a map of types.
func pairsOf(values, types chsql.Expr) chsql.Expr {
	return chsql.SQL("[CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)'), CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)')]",
		values, values, types, types)
}

// attributes reads the list back (docs/storage.md, attribute types). The types name only
// what is not a string, unless a key repeats: then they name each.
func (p pairs) attributes() ([]queryserver.Attribute, error) {
	keys, values, typeKeys, types := p[0], p[1], p[2], p[3]
	if len(keys) == 0 {
		return nil, nil
	}
	each := slices.Equal(keys, typeKeys)
	list := make([]queryserver.Attribute, len(keys))
	for i, key := range keys {
		name := ""
		if each {
			name = types[i]
		} else if at := slices.Index(typeKeys, key); at >= 0 {
			name = types[at]
		}
		value, err := valueOf(values[i], name)
		if err != nil {
			return nil, err
		}
		list[i] = queryserver.Attribute{Key: key, Value: value}
	}
	return list, nil
}

// valueOf makes a value of its text and of what the table says of its type.
func valueOf(text, name string) (queryserver.Value, error) {
	switch name {
	case "", "string":
		return queryserver.Value{Type: "string", JSON: jsonText(text)}, nil
	case "empty":
		return queryserver.Value{Type: name, JSON: json.RawMessage("null")}, nil
	case "bytes":
		return queryserver.Value{Type: name, JSON: jsonText(text)}, nil
	case "bool":
		return queryserver.Value{Type: name, JSON: json.RawMessage(text)}, nil
	case "int":
		return intValue(text)
	case "double":
		if text == "NaN" || strings.HasSuffix(text, "Infinity") {
			return queryserver.Value{Type: name, JSON: jsonText(text)}, nil
		}
		return queryserver.Value{Type: name, JSON: json.RawMessage(text)}, nil
	}
	kind := "array"
	if strings.HasPrefix(name, `{"kvlistValue"`) {
		kind = "kvlist"
	}
	return queryserver.Value{Type: kind, JSON: json.RawMessage(text), OTLP: json.RawMessage(name)}, nil
}

func intValue(text string) (queryserver.Value, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return queryserver.Value{}, fmt.Errorf("read an integer: %w", err)
	}
	if number > maxExact || number < -maxExact {
		text = `"` + text + `"`
	}
	return queryserver.Value{Type: "int", JSON: json.RawMessage(text)}, nil
}

// jsonText is a text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func jsonText(text string) json.RawMessage {
	written, _ := json.Marshal(text) // strings always marshal
	return written
}
