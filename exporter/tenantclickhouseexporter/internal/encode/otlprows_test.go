package encode_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// This file reads what all tables have in common back into OTLP.

// pairs is a list of attributes: keys, values, and the keys and names of types.
type pairs [][]string

// pairsOf selects pairs from a map of values and a map of types.
func pairsOf(values, types string) string {
	return fmt.Sprintf("[CAST(mapKeys(%[1]s), 'Array(String)'), CAST(mapValues(%[1]s), 'Array(String)'), CAST(mapKeys(%[2]s), 'Array(String)'), CAST(mapValues(%[2]s), 'Array(String)')]", values, types)
}

func pairsAs(values, types string) string { return pairsOf(values, types) + " AS " + values + "_pairs" }

// nestedPairsAs is pairsAs for arrays of maps.
func nestedPairsAs(values, types string) string {
	return fmt.Sprintf("arrayMap((v, t) -> %s, %s, %s) AS %s_pairs", pairsOf("v", "t"), values, types, values)
}

// nanos selects times as the 64 bits that were sent.
func nanos(columns ...string) string {
	for i, c := range columns {
		columns[i] = fmt.Sprintf("reinterpretAsUInt64(toUnixTimestamp64Nano(%[1]s)) AS %[1]s_nanos", c)
	}
	return strings.Join(columns, ", ")
}

const ownerColumns = "toString(workspace_id) AS workspace, toString(tenant_id) AS tenant"

// owned is the tenant's columns of any row.
type owned struct {
	Workspace string `ch:"workspace"`
	Tenant    string `ch:"tenant"`
}

// sourceRow is the columns of a resource and a scope.
type sourceRow struct {
	Resource        pairs  `ch:"resource_attributes_pairs"`
	ResourceDropped uint32 `ch:"resource_dropped_attributes_count"`
	Entities        string `ch:"resource_entity_refs"`
	ResourceSchema  string `ch:"resource_schema_url"`
	ScopeName       string `ch:"scope_name"`
	ScopeVersion    string `ch:"scope_version"`
	ScopeAttributes pairs  `ch:"scope_attributes_pairs"`
	ScopeDropped    uint32 `ch:"scope_dropped_attributes_count"`
	ScopeSchema     string `ch:"scope_schema_url"`
}

func sourceColumns() string {
	return strings.Join([]string{
		pairsAs("resource_attributes", "resource_attribute_types"), "resource_dropped_attributes_count", "resource_entity_refs", "resource_schema_url",
		"scope_name", "scope_version", pairsAs("scope_attributes", "scope_attribute_types"), "scope_dropped_attributes_count", "scope_schema_url",
	}, ", ")
}

func (r sourceRow) resource(t *testing.T) *resourcev1.Resource {
	resource := &resourcev1.Resource{Attributes: r.Resource.attributes(t), DroppedAttributesCount: r.ResourceDropped}
	if r.Entities == "" {
		return resource
	}
	var refs []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(r.Entities), &refs))
	for _, text := range refs {
		ref := &commonv1.EntityRef{}
		require.NoError(t, protojson.Unmarshal(text, ref))
		resource.EntityRefs = append(resource.EntityRefs, ref)
	}
	return resource
}

func (r sourceRow) scope(t *testing.T) *commonv1.InstrumentationScope {
	return &commonv1.InstrumentationScope{
		Name: r.ScopeName, Version: r.ScopeVersion, Attributes: r.ScopeAttributes.attributes(t), DroppedAttributesCount: r.ScopeDropped,
	}
}

// attributes reads a list back. The types name only what is not a string, unless
// a key repeats: then they name each.
func (p pairs) attributes(t *testing.T) []*commonv1.KeyValue {
	keys, values, typeKeys, types := p[0], p[1], p[2], p[3]
	everyTyped := slices.Equal(keys, typeKeys)
	list := make([]*commonv1.KeyValue, 0, len(keys))
	for i, key := range keys {
		name := ""
		if everyTyped {
			name = types[i]
		} else if at := slices.Index(typeKeys, key); at >= 0 {
			name = types[at]
		}
		list = append(list, &commonv1.KeyValue{Key: key, Value: value(t, values[i], name)})
	}
	return list
}

// value reads a value back from its text and its type.
func value(t *testing.T, text, name string) *commonv1.AnyValue {
	var err error
	v := &commonv1.AnyValue{}
	switch name {
	case "", "string":
		v.Value = &commonv1.AnyValue_StringValue{StringValue: text}
	case "empty":
		require.Empty(t, text)
	case "bool":
		boolean := &commonv1.AnyValue_BoolValue{}
		boolean.BoolValue, err = strconv.ParseBool(text)
		v.Value = boolean
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
	default:
		require.True(t, json.Valid([]byte(text)), "the readable form of a nested value is JSON: %s", text)
		err = protojson.Unmarshal([]byte(name), v)
	}
	require.NoError(t, err, "%q as %s", text, name)
	return v
}

// id is an id as OTLP has it: absent when zero.
func id(stored string) []byte {
	if strings.Trim(stored, "\x00") == "" {
		return nil
	}
	return []byte(stored)
}

// read selects all rows of a table.
func read[T any](t *testing.T, conn driver.Conn, table string, columns ...string) []T {
	t.Helper()
	var rows []T
	require.NoError(t, conn.Select(t.Context(), &rows, "SELECT "+strings.Join(columns, ", ")+" FROM "+table), table)
	return rows
}
