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

func (s *spanSet) add(row *spanRow) error {
	span, err := row.span()
	if err != nil {
		return err
	}
	if span.Resource, err = s.resource(row); err != nil {
		return err
	}
	if span.Scope, err = s.scope(row); err != nil {
		return err
	}
	s.Spans = append(s.Spans, span)
	return nil
}

func (s *spanSet) resource(row *spanRow) (int, error) {
	key := identity(row.resource, row.resourceDropped, row.entities, row.resourceSchema)
	if at, known := s.resources[key]; known {
		return at, nil
	}
	one := queryserver.Resource{DroppedAttributesCount: row.resourceDropped, SchemaURL: row.resourceSchema}
	if row.entities != "" {
		one.EntityRefs = json.RawMessage(row.entities)
	}
	var err error
	one.Attributes, err = row.resource.attributes()
	s.resources[key] = len(s.Resources)
	s.Resources = append(s.Resources, one)
	return len(s.Resources) - 1, err
}

func (s *spanSet) scope(row *spanRow) (int, error) {
	key := identity(row.scopeAttributes, row.scopeDropped, row.scopeName, row.scopeVersion, row.scopeSchema)
	if at, known := s.scopes[key]; known {
		return at, nil
	}
	one := queryserver.Instrumentation{Name: row.scopeName, Version: row.scopeVersion, DroppedAttributesCount: row.scopeDropped, SchemaURL: row.scopeSchema}
	var err error
	one.Attributes, err = row.scopeAttributes.attributes()
	s.scopes[key] = len(s.Scopes)
	s.Scopes = append(s.Scopes, one)
	return len(s.Scopes) - 1, err
}

// identity is a text that only equals have.
func identity(lists pairs, dropped uint32, texts ...string) string {
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
