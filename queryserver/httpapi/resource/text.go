package resource

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// word is a short text in a list, whose length a tag cannot bound.
type word string

const maxWord = 200

// Schema describes it.
func (word) Schema(huma.Registry) *huma.Schema {
	longest := maxWord
	return &huma.Schema{Type: huma.TypeString, MaxLength: &longest}
}

// pairs are texts by name, which a tag cannot bound.
type pairs map[string]string

const (
	maxPairs     = 32
	maxPairValue = 256
)

// Schema describes them.
func (pairs) Schema(huma.Registry) *huma.Schema {
	most, longest := maxPairs, maxPairValue
	return &huma.Schema{
		Type: huma.TypeObject, MaxProperties: &most, AdditionalProperties: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
	}
}

func permissionsOf(words []word) []queryserver.Permission {
	all := make([]queryserver.Permission, len(words))
	for i, w := range words {
		all[i] = queryserver.Permission(w)
	}
	return all
}

func textsOf(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// phrase is a longer text in a list.
type phrase string

const maxPhrase = 1000

// Schema describes it.
func (phrase) Schema(huma.Registry) *huma.Schema {
	longest := maxPhrase
	return &huma.Schema{Type: huma.TypeString, MaxLength: &longest}
}
