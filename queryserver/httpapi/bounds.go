package httpapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// checkBounds wants a bound on every string, list and map that a client may send (ASVS
// 2.2.1), and the status of success.
func checkBounds(registry huma.Registry, operation *huma.Operation) error {
	b := bounds{registry: registry, seen: map[string]bool{}}
	for _, parameter := range operation.Parameters {
		b.check(parameter.In+"."+parameter.Name, parameter.Schema)
	}
	if operation.RequestBody != nil {
		for _, media := range operation.RequestBody.Content {
			b.check("body", media.Schema)
		}
	}
	return errors.Join(b.faults...)
}

type bounds struct {
	registry huma.Registry
	seen     map[string]bool
	faults   []error
}

func (b *bounds) check(location string, schema *huma.Schema) {
	if schema == nil {
		return
	}
	if schema.Ref != "" {
		if b.seen[schema.Ref] {
			return
		}
		b.seen[schema.Ref] = true
		schema = b.registry.SchemaFromRef(schema.Ref)
	}
	switch schema.Type {
	case huma.TypeString:
		if schema.MaxLength == nil && len(schema.Enum) == 0 && !slices.Contains([]string{"uuid", "date-time", "date", "ip", "ipv4", "ipv6"}, schema.Format) {
			b.fault(location, "maxLength")
		}
	case huma.TypeArray:
		if schema.MaxItems == nil {
			b.fault(location, "maxItems")
		}
		b.check(location+"[]", schema.Items)
	case huma.TypeObject:
		for name, property := range schema.Properties {
			b.check(location+"."+name, property)
		}
		if values, is := schema.AdditionalProperties.(*huma.Schema); is {
			if schema.MaxProperties == nil {
				b.fault(location, "maxProperties")
			}
			b.check(location+".*", values)
		}
	case "":
		b.fault(location, "type")
	}
}

func (b *bounds) fault(location, bound string) {
	b.faults = append(b.faults, fmt.Errorf("%s has no %s", location, bound))
}
