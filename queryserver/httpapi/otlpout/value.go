package otlpout

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// attributes are protobuf's own, since pdata's maps cannot be given a key twice.
func attributes(from []queryserver.Attribute) ([]*commonv1.KeyValue, error) {
	to := make([]*commonv1.KeyValue, len(from))
	for i, attribute := range from {
		v, err := value(attribute.Value)
		if err != nil {
			return nil, fmt.Errorf("write the attribute %q: %w", attribute.Key, err)
		}
		to[i] = &commonv1.KeyValue{Key: attribute.Key, Value: v}
	}
	return to, nil
}

func value(from queryserver.Value) (*commonv1.AnyValue, error) {
	to := &commonv1.AnyValue{}
	switch from.Type {
	case "empty":
		return to, nil
	case "array", "kvlist":
		return to, protojson.Unmarshal(from.OTLP, to)
	case "bool":
		to.Value = &commonv1.AnyValue_BoolValue{BoolValue: string(from.JSON) == "true"}
		return to, nil
	case "int":
		number, err := strconv.ParseInt(strings.Trim(string(from.JSON), `"`), 10, 64)
		to.Value = &commonv1.AnyValue_IntValue{IntValue: number}
		return to, err
	case "double":
		number, err := strconv.ParseFloat(strings.Trim(string(from.JSON), `"`), 64)
		to.Value = &commonv1.AnyValue_DoubleValue{DoubleValue: number}
		return to, err
	}
	var text string
	if err := json.Unmarshal(from.JSON, &text); err != nil {
		return nil, err
	}
	if from.Type != "bytes" {
		to.Value = &commonv1.AnyValue_StringValue{StringValue: text}
		return to, nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	to.Value = &commonv1.AnyValue_BytesValue{BytesValue: raw}
	return to, err
}

func resource(from queryserver.Resource) (*resourcev1.Resource, error) {
	list, err := attributes(from.Attributes)
	if err != nil {
		return nil, err
	}
	to := &resourcev1.Resource{Attributes: list, DroppedAttributesCount: from.DroppedAttributesCount}
	if from.EntityRefs == nil {
		return to, nil
	}
	var refs []json.RawMessage
	if err := json.Unmarshal(from.EntityRefs, &refs); err != nil {
		return nil, fmt.Errorf("write the entities: %w", err)
	}
	for _, text := range refs {
		ref := &commonv1.EntityRef{}
		if err := protojson.Unmarshal(text, ref); err != nil {
			return nil, fmt.Errorf("write an entity: %w", err)
		}
		to.EntityRefs = append(to.EntityRefs, ref)
	}
	return to, nil
}

func scope(from queryserver.Instrumentation) (*commonv1.InstrumentationScope, error) {
	list, err := attributes(from.Attributes)
	return &commonv1.InstrumentationScope{
		Name: from.Name, Version: from.Version, Attributes: list, DroppedAttributesCount: from.DroppedAttributesCount,
	}, err
}

// id reads an id in hex; an empty one is none.
func id(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return hex.DecodeString(text)
}

// nanos are those since 1970; the zero time is none. Times after 2262 have wrapped.
func nanos(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano()) //nolint:gosec // it wraps back
}
