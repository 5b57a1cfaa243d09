package httpapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsPage is what the template shows: resources with their operations in the order in
// which they were declared, then the schemas.
type docsPage struct {
	Info      *huma.Info
	Resources []docsResource
	Schemas   map[string]*huma.Schema
}

type docsResource struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	*huma.Operation
	Access string
}

func newDocsPage(description *huma.OpenAPI, routes []Route) docsPage {
	page := docsPage{Info: description.Info, Schemas: description.Components.Schemas.Map()}
	for i := range routes {
		route := &routes[i]
		if !route.json {
			continue
		}
		at := slices.IndexFunc(page.Resources, func(r docsResource) bool { return r.Name == route.operation.Tag })
		if at < 0 {
			at = len(page.Resources)
			page.Resources = append(page.Resources, docsResource{Name: route.operation.Tag})
		}
		page.Resources[at].Operations = append(page.Resources[at].Operations, docsOperation{operationOf(description, route), route.access.String()})
	}
	return page
}

// docsType is a type in words, and the schema it refers to.
type docsType struct{ Text, Schema string }

func schemaType(schema *huma.Schema) docsType {
	switch {
	case schema == nil:
		return docsType{Text: "any"}
	case schema.Ref != "":
		return docsType{Schema: schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]}
	case schema.Type == huma.TypeArray:
		items := schemaType(schema.Items)
		return docsType{Text: strings.TrimSpace("list of " + items.Text), Schema: items.Schema}
	case len(schema.Enum) > 0:
		return docsType{Text: "one of " + strings.Trim(fmt.Sprint(schema.Enum...), "[]")}
	}
	text := schema.Type
	if schema.Format != "" {
		text += ", " + schema.Format
	}
	if schema.MaxLength != nil {
		text += fmt.Sprintf(", at most %d characters", *schema.MaxLength)
	}
	if schema.Minimum != nil && schema.Maximum != nil {
		text += fmt.Sprintf(", %v to %v", *schema.Minimum, *schema.Maximum)
	}
	return docsType{Text: text}
}

func required(schema *huma.Schema, name string) bool { return slices.Contains(schema.Required, name) }
