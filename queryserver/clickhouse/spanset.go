package clickhouse

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// spanSet collects spans, each resource and scope once.
type spanSet struct {
	queryserver.SpanSet
	resources, scopes map[string]int
}

func newSpanSet() *spanSet {
	return &spanSet{
		SpanSet:   queryserver.SpanSet{Spans: []queryserver.Span{}, Resources: []queryserver.Resource{}, Scopes: []queryserver.Instrumentation{}},
		resources: make(map[string]int), scopes: make(map[string]int),
	}
}

func (s *spanSet) add(row *spanRow) {
	span := row.span()
	key := identity(row.resource, row.resourceDropped, row.entities, row.resourceSchema)
	at, known := s.resources[key]
	if !known {
		at = len(s.Resources)
		s.resources[key] = at
		s.Resources = append(s.Resources, queryserver.Resource{
			Attributes: attributesOf(row.resource), DroppedAttributesCount: row.resourceDropped, EntityRefs: json.RawMessage(row.entities), SchemaURL: row.resourceSchema,
		})
	}
	span.Resource = at
	key = identity(row.scopeAttributes, row.scopeDropped, row.scopeName, row.scopeVersion, row.scopeSchema)
	if at, known = s.scopes[key]; !known {
		at = len(s.Scopes)
		s.scopes[key] = at
		s.Scopes = append(s.Scopes, queryserver.Instrumentation{
			Name: row.scopeName, Version: row.scopeVersion, Attributes: attributesOf(row.scopeAttributes), DroppedAttributesCount: row.scopeDropped, SchemaURL: row.scopeSchema,
		})
	}
	span.Scope = at
	s.Spans = append(s.Spans, span)
}

// identity is a text that only equals have.
func identity(lists [][]string, dropped uint32, texts ...string) string {
	var key strings.Builder
	write := func(text string) { key.WriteString(strconv.Itoa(len(text)) + ":" + text) }
	for _, list := range append(lists, texts) {
		write(strconv.Itoa(len(list)))
		for _, text := range list {
			write(text)
		}
	}
	write(strconv.FormatUint(uint64(dropped), 10))
	return key.String()
}
