package postgres

import (
	"encoding/json"
	"fmt"
)

// encode writes a value that the schema keeps as jsonb. It is of types that always can be.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a type that JSON cannot write: %v", err))
	}
	return text
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read jsonb: %w", err)
	}
	return nil
}
