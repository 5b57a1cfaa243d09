package search

import (
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Format writes a search as a text that Parse reads into the same tree.
func Format(tree queryserver.Search) string {
	switch tree.Op {
	case queryserver.SearchAll:
		return list(tree, " ")
	case queryserver.SearchAny:
		return list(tree, " OR ")
	case queryserver.SearchNot:
		return "NOT " + nested(tree.Of[0])
	case queryserver.SearchMatch:
		return match(tree.Match)
	}
	return ""
}

func list(tree queryserver.Search, separator string) string {
	parts := make([]string, len(tree.Of))
	for i, one := range tree.Of {
		if tree.Op == queryserver.SearchAny && one.Op == queryserver.SearchAll {
			parts[i] = Format(one) // AND binds more closely, as it was read
		} else {
			parts[i] = nested(one)
		}
	}
	return strings.Join(parts, separator)
}

// nested puts lists in parentheses.
func nested(tree queryserver.Search) string {
	if tree.Op == queryserver.SearchAll || tree.Op == queryserver.SearchAny {
		return "(" + Format(tree) + ")"
	}
	return Format(tree)
}

func match(m *queryserver.Match) string {
	var values []string
	for _, v := range m.Any {
		values = append(values, value(v))
	}
	text := strings.Join(values, " OR ")
	if len(values) > 1 || m.Is == queryserver.Equal && strings.HasPrefix(text, "~") { // =~ is another comparison
		text = "(" + text + ")"
	}
	if m.Field == "" {
		return text
	}
	return field(m.Field) + string(m.Is) + text
}

func value(v queryserver.SearchValue) string {
	text := v.Text
	if v.Quoted {
		text = quote(text)
	}
	if v.Prefix {
		text += "*"
	}
	return text
}

// field quotes a name that would not be read as one word.
func field(name string) string {
	s := scanner{text: name}
	if s.word(true) != name || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "!") {
		return quote(name)
	}
	return name
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`) //nolint:gochecknoglobals // a constant

func quote(text string) string { return `"` + escape.Replace(text) + `"` }
