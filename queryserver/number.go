package queryserver

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Number is a double. What JSON has no number for is "NaN", "Infinity" or "-Infinity", as
// in OTLP/JSON.
type Number float64

// MarshalJSON writes the shortest text that reads back as the same double.
func (n Number) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(v)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = Number(math.NaN())
		return nil
	case `"Infinity"`:
		*n = Number(math.Inf(1))
		return nil
	case `"-Infinity"`:
		*n = Number(math.Inf(-1))
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// Count is an unsigned integer of 64 bits. It is a string in JSON, where numbers beyond
// 2^53 lose digits.
type Count uint64

// MarshalText writes decimal digits.
func (c Count) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(c), 10), nil }

// UnmarshalText reads them.
func (c *Count) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("read a count: %w", err)
	}
	*c = Count(v)
	return nil
}
