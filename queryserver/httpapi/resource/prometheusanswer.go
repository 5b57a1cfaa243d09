package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// promHandler answers a request of Prometheus' API.
type promHandler func(context.Context, queryserver.Call, promForm) (queryserver.PromAnswer, error)

// promBody is the body of every answer.
type promBody struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data,omitempty"`
	ErrorType string          `json:"errorType,omitempty"`
	Error     string          `json:"error,omitempty"`
	Warnings  []string        `json:"warnings,omitempty"`
	Infos     []string        `json:"infos,omitempty"`
}

func (h promHandler) serve(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	ctx, trail := queryserver.WithTrail(r.Context())
	answer, err := h(ctx, call, form)
	if err != nil {
		return err
	}
	cached := cachedBy(trail)
	w.Header().Set("X-Cache", cached.XCache)
	if cached.XCacheLevel != "" {
		w.Header().Set("X-Cache-Level", cached.XCacheLevel)
	}
	w.Header().Set("Content-Type", "application/json")
	return writeProm(w, &answer)
}

// writeProm writes the data as they are: they may be large, and are JSON already.
func writeProm(w io.Writer, answer *queryserver.PromAnswer) error {
	rest, err := json.Marshal(promBody{Status: "success", Warnings: answer.Warnings, Infos: answer.Infos})
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	for _, piece := range []string{`{"data":`, answer.Data, ",", string(rest[1:])} {
		if _, err := io.WriteString(w, piece); err != nil {
			return nil //nolint:nilerr // the client has left
		}
	}
	return nil
}

func promData(value any) (queryserver.PromAnswer, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return queryserver.PromAnswer{}, fmt.Errorf("write data: %w", err)
	}
	return queryserver.PromAnswer{Data: string(text)}, nil
}

// prometheusError is an error as Prometheus writes it. Its clients know the types of the
// first four lines.
func prometheusError(p *httpapi.Problem) any {
	kind := map[queryserver.Code]string{
		queryserver.Invalid: "bad_data", queryserver.Execution: "execution", queryserver.Timeout: "timeout",
		queryserver.Internal: "internal", queryserver.NotFound: "not_found", queryserver.Unavailable: "unavailable",
		queryserver.Unauthenticated: "unauthorized", queryserver.Forbidden: "forbidden", queryserver.TooMany: "too_many_requests",
	}[queryserver.Code(p.Code)]
	if kind == "" {
		kind = "bad_data"
	}
	return promBody{Status: "error", ErrorType: kind, Error: p.Detail}
}
