package queryserver

// Attribute is a key with its value. Value is text: a number or true as it is written, bytes
// in base64, an array or a kvlist as the AnyValue of OTLP/JSON, which keeps the types within.
type Attribute struct {
	Key   string        `json:"key"`
	Type  AttributeType `json:"type"`
	Value string        `json:"value"`
}

// AttributeType is one of the types of OTLP's AnyValue.
type AttributeType string

// The types.
const (
	StringAttribute AttributeType = "string"
	BoolAttribute   AttributeType = "bool"
	IntAttribute    AttributeType = "int"
	DoubleAttribute AttributeType = "double"
	BytesAttribute  AttributeType = "bytes"
	ArrayAttribute  AttributeType = "array"
	ListAttribute   AttributeType = "kvlist"
	EmptyAttribute  AttributeType = "empty"
)

// Resource is what telemetry is of.
type Resource struct {
	Attributes             []Attribute `json:"attributes" nullable:"false"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
	// EntityRefs is a list of OTLP/JSON; empty for none.
	EntityRefs string `json:"entityRefs,omitempty"`
	SchemaURL  string `json:"schemaUrl,omitempty"`
}

// Instrumentation is the scope of OTLP: the library that made telemetry.
type Instrumentation struct {
	Name                   string      `json:"name"`
	Version                string      `json:"version,omitempty"`
	Attributes             []Attribute `json:"attributes,omitempty"`
	DroppedAttributesCount uint32      `json:"droppedAttributesCount,omitempty"`
	SchemaURL              string      `json:"schemaUrl,omitempty"`
}
