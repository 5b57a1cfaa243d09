package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// maxFaults of one request are told; a thousand say no more than twenty.
	maxFaults = 20
	// maxLocation bounds names that the client made up, in bytes.
	maxLocation = 128
)

// marshalJSON reports values that are no JSON. A client that has left is no fault of ours.
func marshalJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, _ = w.Write(text.Bytes())
	return nil
}

// sayProblem turns what huma finds wrong with a request into a Problem. Huma repeats the
// values that it refuses, which may be passwords; they are left out.
func sayProblem(ctx huma.Context, _ string, body any) (any, error) {
	model, is := body.(*huma.ErrorModel)
	if !is {
		return body, nil
	}
	e := exchangeOf(ctx.Context())
	if model.Status >= http.StatusInternalServerError {
		return e.problem(model), nil
	}
	said := queryserver.Errorf(queryserver.Invalid, "the request is not as described in /openapi.json")
	for _, fault := range model.Errors[:min(len(model.Errors), maxFaults)] {
		said.Fields = append(said.Fields, queryserver.FieldError{Location: bounded(fault.Location), Message: withoutValue(fault.Message)})
	}
	if len(model.Errors) == 0 { // huma says so only of a body that is absent
		said.Fields = []queryserver.FieldError{{Location: "body", Message: "required"}}
	}
	return e.problem(said), nil
}

func bounded(location string) string {
	if len(location) <= maxLocation {
		return location
	}
	return strings.ToValidUTF8(location[:maxLocation], "") + "…"
}

// withoutValue keeps the messages that are made of the description alone. Those of
// decoders, and what follows the colon in those of formats, quote the value.
func withoutValue(message string) string {
	for _, formatted := range []string{"expected string to be ", "expected duration"} {
		if strings.HasPrefix(message, formatted) {
			text, _, _ := strings.Cut(message, ": ")
			return text
		}
	}
	for _, fixed := range []string{"expected ", "unexpected ", "required ", "unknown ", "invalid integer", "invalid boolean", "invalid float", "invalid date/time"} {
		if strings.HasPrefix(message, fixed) {
			return message
		}
	}
	return "invalid value"
}

// invalidContext answers 400 where huma says 422, as the table of codes does.
type invalidContext struct{ humaContext }

// humaContext has a name under which it can be embedded: huma.Context has a method Context.
type humaContext = huma.Context

// SetStatus writes the status.
func (c invalidContext) SetStatus(status int) {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	c.humaContext.SetStatus(status)
}

// Unwrap is for the adapter.
func (c invalidContext) Unwrap() huma.Context { return c.humaContext }
