package clickhouse

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
)

// OTLP is made of OTLP's own messages: pdata cannot make a list of attributes in which a
// key repeats.

// keyValues selects a map of values and a map of types as lists, which keep the order and
// repeated keys.
func keyValues(values, types chsql.Expr) chsql.Expr {
	return chsql.SQL("[CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)'), CAST(mapKeys(?), 'Array(String)'), CAST(mapValues(?), 'Array(String)')]",
		values, values, types, types)
}

// otlpAttributes reads what keyValues selects. The types name only what is not a string,
// unless a key repeats: then they name each (docs/storage.md).
func otlpAttributes(lists [][]string) ([]*commonv1.KeyValue, error) {
	keys, values, typeKeys, types := lists[0], lists[1], lists[2], lists[3]
	everyTyped := slices.Equal(keys, typeKeys)
	attributes := make([]*commonv1.KeyValue, len(keys))
	for i, key := range keys {
		name := ""
		if everyTyped {
			name = types[i]
		} else if at := slices.Index(typeKeys, key); at >= 0 {
			name = types[at]
		}
		value, err := otlpValue(values[i], name)
		if err != nil {
			return nil, err
		}
		attributes[i] = &commonv1.KeyValue{Key: key, Value: value}
	}
	return attributes, nil
}

// otlpValue reads a value from its text and the name of its type.
func otlpValue(text, name string) (v *commonv1.AnyValue, err error) {
	v = &commonv1.AnyValue{}
	switch name {
	case "", "string":
		v.Value = &commonv1.AnyValue_StringValue{StringValue: text}
	case "empty":
	case "bool":
		v.Value = &commonv1.AnyValue_BoolValue{BoolValue: text == "true"}
	case "int":
		integer := &commonv1.AnyValue_IntValue{}
		integer.IntValue, err = strconv.ParseInt(text, 10, 64)
		v.Value = integer
	case "double":
		double := &commonv1.AnyValue_DoubleValue{}
		double.DoubleValue, err = strconv.ParseFloat(text, 64)
		v.Value = double
	case "bytes":
		bytes := &commonv1.AnyValue_BytesValue{}
		bytes.BytesValue, err = base64.StdEncoding.DecodeString(text)
		v.Value = bytes
	default: // the exact form of an array or a kvlist
		err = protojson.Unmarshal([]byte(name), v)
	}
	if err != nil {
		return nil, fmt.Errorf("read a stored attribute: %w", err)
	}
	return v, nil
}

// otlpSource is the columns of a resource and a scope.
type otlpSource struct {
	resource, scopeAttributes     [][]string
	resourceDropped, scopeDropped uint32
	entities, resourceSchema      string
	scopeName, scopeVersion       string
	scopeSchema                   string
}

func otlpSourceColumns() chsql.List {
	return chsql.List{
		keyValues(chsql.SQL("resource_attributes"), chsql.SQL("resource_attribute_types")), chsql.SQL("resource_dropped_attributes_count"),
		chsql.SQL("resource_entity_refs"), chsql.SQL("resource_schema_url"), chsql.SQL("scope_name"), chsql.SQL("scope_version"),
		keyValues(chsql.SQL("scope_attributes"), chsql.SQL("scope_attribute_types")), chsql.SQL("scope_dropped_attributes_count"), chsql.SQL("scope_schema_url"),
	}
}

func (o *otlpSource) into() []any {
	return []any{&o.resource, &o.resourceDropped, &o.entities, &o.resourceSchema, &o.scopeName, &o.scopeVersion, &o.scopeAttributes, &o.scopeDropped, &o.scopeSchema}
}

// otlpResource is the resource, with its entities.
func (o *otlpSource) otlpResource() (*resourcev1.Resource, error) {
	attributes, err := otlpAttributes(o.resource)
	if err != nil {
		return nil, err
	}
	resource := &resourcev1.Resource{Attributes: attributes, DroppedAttributesCount: o.resourceDropped}
	if o.entities == "" {
		return resource, nil
	}
	var refs []json.RawMessage
	if err := json.Unmarshal([]byte(o.entities), &refs); err != nil {
		return nil, fmt.Errorf("read the stored entities: %w", err)
	}
	for _, text := range refs {
		ref := &commonv1.EntityRef{}
		if err := protojson.Unmarshal(text, ref); err != nil {
			return nil, fmt.Errorf("read a stored entity: %w", err)
		}
		resource.EntityRefs = append(resource.EntityRefs, ref)
	}
	return resource, nil
}

// otlpScope is the instrumentation scope.
func (o *otlpSource) otlpScope() (*commonv1.InstrumentationScope, error) {
	attributes, err := otlpAttributes(o.scopeAttributes)
	if err != nil {
		return nil, err
	}
	return &commonv1.InstrumentationScope{Name: o.scopeName, Version: o.scopeVersion, Attributes: attributes, DroppedAttributesCount: o.scopeDropped}, nil
}

// otlpID is an id as OTLP has it: absent when zero.
func otlpID(stored string) []byte {
	for _, b := range []byte(stored) {
		if b != 0 {
			return []byte(stored)
		}
	}
	return nil
}
