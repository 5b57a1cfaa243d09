package otlp

import (
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// entities writes the entities of a resource, which are stored as OTLP/JSON.
func entities(text json.RawMessage, to pcommon.Resource) error {
	if len(text) == 0 {
		return nil
	}
	var refs []struct {
		SchemaURL       string   `json:"schemaUrl"`
		Type            string   `json:"type"`
		IDKeys          []string `json:"idKeys"`
		DescriptionKeys []string `json:"descriptionKeys"`
	}
	if err := json.Unmarshal(text, &refs); err != nil {
		return fmt.Errorf("read the entities of a resource: %w", err)
	}
	list := entity.ResourceEntityRefs(to)
	for _, from := range refs {
		ref := list.AppendEmpty()
		ref.SetSchemaUrl(from.SchemaURL)
		ref.SetType(from.Type)
		ref.IdKeys().FromRaw(from.IDKeys)
		ref.DescriptionKeys().FromRaw(from.DescriptionKeys)
	}
	return nil
}
