package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxDepth of nested JSON. The deepest legitimate body, a dashboard, has about 8.
const maxDepth = 32

func errJSON(format string, arguments ...any) error {
	return queryserver.Errorf(queryserver.Invalid, "the body "+format, arguments...)
}

// checkJSON refuses what programs read differently (RFC 8259 sections 4, 8.1 and 9): text
// that is not UTF-8, names that come twice or differ in case only (encoding/json takes
// the last, others the first), deep nesting, anything after the value, and NUL, which
// PostgreSQL does not store.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errJSON("is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var open []level
	for begun := false; ; begun = true {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && begun && len(open) == 0 {
			return nil
		}
		if err != nil {
			return errJSON("is not JSON")
		}
		if open, err = step(open, token); err != nil {
			return err
		}
		if len(open) == 0 && decoder.More() {
			return errJSON("goes on after its JSON value")
		}
	}
}

// level is an object or an array that is still open.
type level struct {
	names map[string]bool // nil: an array
	value bool            // the next token of the object is a value
}

func step(open []level, token json.Token) ([]level, error) {
	if text, is := token.(string); is && strings.ContainsRune(text, 0) {
		return nil, errJSON("contains NUL")
	}
	delimiter, _ := token.(json.Delim)
	if delimiter == '}' || delimiter == ']' {
		return open[:len(open)-1], nil
	}
	if at := len(open) - 1; at >= 0 && open[at].names != nil {
		if !open[at].value {
			name := strings.ToLower(token.(string)) // the decoder has seen to it that it is one
			if open[at].names[name] {
				return nil, errJSON("has the same name twice in one object")
			}
			open[at].names[name], open[at].value = true, true
			return open, nil
		}
		open[at].value = false
	}
	switch delimiter {
	case '{':
		open = append(open, level{names: map[string]bool{}})
	case '[':
		open = append(open, level{})
	}
	if len(open) > maxDepth {
		return nil, errJSON("is nested deeper than %d levels", maxDepth)
	}
	return open, nil
}
