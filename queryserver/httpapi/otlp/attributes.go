package otlp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// attributes writes a list. pdata keeps repeated keys only of lists that it has read, so a
// list that has them, or nested values, goes through OTLP/JSON.
func attributes(from []queryserver.Attribute, to pcommon.Map) error {
	if !slices.ContainsFunc(from, isNested) && !repeats(from) {
		to.EnsureCapacity(len(from))
		for _, a := range from {
			if err := scalar(a.Value, to.PutEmpty(a.Key)); err != nil {
				return fmt.Errorf("write the attribute %q: %w", a.Key, err)
			}
		}
		return nil
	}
	text, err := listJSON(from)
	if err != nil {
		return err
	}
	read, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces([]byte(`{"resourceSpans":[{"resource":{"attributes":` + text + `}}]}`))
	if err != nil {
		return fmt.Errorf("read attributes of OTLP/JSON: %w", err)
	}
	read.ResourceSpans().At(0).Resource().Attributes().MoveTo(to)
	return nil
}

func isNested(a queryserver.Attribute) bool { return len(a.OTLP) > 0 }

func repeats(list []queryserver.Attribute) bool {
	seen := make(map[string]bool, len(list))
	for _, a := range list {
		if seen[a.Key] {
			return true
		}
		seen[a.Key] = true
	}
	return false
}

// scalar writes a value that holds no others.
func scalar(from queryserver.Value, to pcommon.Value) error {
	text := string(from.JSON)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(from.JSON, &text); err != nil {
			return err
		}
	}
	var err error
	switch from.Type {
	case "string":
		to.SetStr(text)
	case "int":
		var number int64
		number, err = strconv.ParseInt(text, 10, 64)
		to.SetInt(number)
	case "double":
		var number float64
		number, err = strconv.ParseFloat(text, 64) // reads NaN and Infinity too
		to.SetDouble(number)
	case "bool":
		to.SetBool(text == "true")
	case "bytes":
		var raw []byte
		raw, err = base64.StdEncoding.DecodeString(text)
		to.SetEmptyBytes().FromRaw(raw)
	}
	return err
}

// listJSON is a list of attributes as OTLP/JSON.
func listJSON(from []queryserver.Attribute) (string, error) {
	type keyValue struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	}
	list := make([]keyValue, len(from))
	for i, a := range from {
		list[i] = keyValue{a.Key, valueJSON(a.Value)}
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// valueJSON is an AnyValue of OTLP/JSON.
func valueJSON(v queryserver.Value) json.RawMessage {
	switch v.Type {
	case "array", "kvlist":
		return v.OTLP
	case "empty":
		return json.RawMessage(`{}`)
	}
	field := map[string]string{"string": "stringValue", "int": "intValue", "double": "doubleValue", "bool": "boolValue", "bytes": "bytesValue"}[v.Type]
	return json.RawMessage(`{"` + field + `":` + string(v.JSON) + `}`)
}
