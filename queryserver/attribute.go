package queryserver

import "encoding/json"

// Value is a value of OTLP (AnyValue), exact.
type Value struct {
	// Type is string, int, double, bool, bytes, array, kvlist or empty.
	Type string `json:"type" enum:"string,int,double,bool,bytes,array,kvlist,empty"`
	// JSON is the value as JSON of its type: integers beyond 2^53 as strings of digits,
	// doubles that JSON has no number for as "NaN", "Infinity" and "-Infinity", bytes in
	// base64, nothing as null.
	JSON json.RawMessage `json:"value"`
	// OTLP is an array or a kvlist as OTLP/JSON, which keeps the types within it.
	OTLP json.RawMessage `json:"otlp,omitempty"`
}

// Attribute is one of a list that keeps its order and repeated keys.
type Attribute struct {
	Key string `json:"key"`
	Value
}

// Resource is what has sent an item.
type Resource struct {
	Attributes             []Attribute     `json:"attributes,omitempty"`
	DroppedAttributesCount uint32          `json:"droppedAttributesCount,omitempty"`
	EntityRefs             json.RawMessage `json:"entityRefs,omitempty"` // OTLP/JSON, a list
	SchemaURL              string          `json:"schemaUrl,omitempty"`
}

// Instrumentation is the scope, or library, that made an item.
type Instrumentation struct {
	Name                   string      `json:"name,omitempty"`
	Version                string      `json:"version,omitempty"`
	Attributes             []Attribute `json:"attributes,omitempty"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
	SchemaURL              string      `json:"schemaUrl,omitempty"`
}
