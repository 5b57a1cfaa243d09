package jaeger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxTags of one search.
const maxTags = 32

// tags reads all tags of a request: tag=key:value, and tags= as an object of JSON or in
// logfmt. The last value of a key counts.
func (p parameters) tags() (map[string]string, error) {
	all := make(map[string]string)
	for _, text := range p.query["tag"] {
		key, value, found := strings.Cut(text, ":")
		if !found || key == "" {
			return nil, bad("tag", "must be key:value")
		}
		all[key] = value
	}
	for _, text := range p.query["tags"] {
		if err := readTags(text, all); err != nil {
			return nil, bad("tags", err.Error())
		}
	}
	if len(all) > maxTags {
		return nil, bad("tags", fmt.Sprintf("must be at most %d", maxTags))
	}
	return all, nil
}

type tagError string

func (f tagError) Error() string { return string(f) }

func readTags(text string, to map[string]string) error {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		return tagError("is too long")
	}
	if !strings.HasPrefix(text, "{") {
		return readLogfmt(text, to)
	}
	var values map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&values) != nil || decoder.More() {
		return tagError("must be an object of JSON, or logfmt")
	}
	for key, value := range values {
		switch value := value.(type) {
		case string:
			to[key] = value
		case json.Number, bool:
			to[key] = fmt.Sprint(value)
		default:
			return tagError("must have texts, numbers or booleans as values")
		}
	}
	return nil
}

// readLogfmt reads key=value key="a value" key, in which a key alone is true
// (https://brandur.org/logfmt).
func readLogfmt(text string, to map[string]string) error {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return nil
		}
		end := strings.IndexAny(text, "= \t\r\n")
		switch {
		case end == 0:
			return tagError("has a value without a key")
		case end < 0 || text[end] != '=':
			if end < 0 {
				end = len(text)
			}
			to[text[:end]], text = "true", text[end:]
			continue
		}
		key, rest := text[:end], text[end+1:]
		value, after, err := logfmtValue(rest)
		if err != nil {
			return err
		}
		to[key], text = value, after
	}
}

func logfmtValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	for at := 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			if json.Unmarshal([]byte(text[:at+1]), &value) != nil {
				return "", "", tagError("has a quoted value that cannot be read")
			}
			return value, text[at+1:], nil
		}
	}
	return "", "", tagError("has a quote that does not end")
}

// where is the condition that all tags make. Jaeger keeps what OTLP has fields for as tags
// of its own (OpenTelemetry, "OpenTelemetry to Jaeger Transformation").
func where(tags map[string]string) (all queryserver.Search) {
	for _, key := range slices.Sorted(maps.Keys(tags)) { // so that equal tags are equal questions
		all = all.And(tagged(key, tags[key]))
	}
	return all
}

func tagged(key, value string) queryserver.Search {
	switch key {
	case "error":
		is := compare("status", queryserver.Equal, string(queryserver.ErrorStatus))
		if value == "false" {
			return queryserver.Search{Op: queryserver.SearchNot, Of: []queryserver.Search{is}}
		}
		return is
	case "span.kind":
		return known("kind", spanKinds(), value)
	case "otel.status_code":
		return known("status", []queryserver.SpanStatus{queryserver.UnsetStatus, queryserver.OKStatus, queryserver.ErrorStatus}, value)
	case "otel.status_description":
		return compare("status_message", queryserver.Equal, value)
	case "otel.scope.name", "otel.library.name":
		return compare("scope.name", queryserver.Equal, value)
	case "otel.scope.version", "otel.library.version":
		return compare("scope.version", queryserver.Equal, value)
	}
	if isField(key) {
		return queryserver.Search{Op: queryserver.SearchAny, Of: []queryserver.Search{
			compare("attributes."+key, queryserver.Equal, value), compare("resource."+key, queryserver.Equal, value),
		}}
	}
	return compare(key, queryserver.Equal, value)
}

// known compares with a name; one that is none is nobody's.
func known[T ~string](field string, names []T, value string) queryserver.Search {
	if !slices.Contains(names, T(strings.ToUpper(value))) {
		value = "-1"
	}
	return compare(field, queryserver.Equal, value)
}

// isField says whether the search language knows a name as other than an attribute's key.
func isField(key string) bool {
	switch key {
	case "", "service", "operation", "name", "kind", "status", "status_message", "duration", "trace_id", "span_id", "parent_span_id", "scope.name", "scope.version":
		return true
	}
	return strings.HasPrefix(key, "resource.") || strings.HasPrefix(key, "attributes.")
}

func compare(field string, is queryserver.Comparison, text string) queryserver.Search {
	return queryserver.Search{Op: queryserver.SearchMatch, Match: &queryserver.Match{Field: field, Is: is, Any: []queryserver.SearchValue{{Text: text}}}}
}
