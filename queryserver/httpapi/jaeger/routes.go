package jaeger

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

type api struct{ store queryserver.Telemetry }

// handler answers with a value that becomes JSON.
type handler func(ctx context.Context, scope queryserver.Scope, p parameters) (any, error)

// Routes are those of Jaeger's query service. They need traces:read.
func Routes(store queryserver.Telemetry) []httpapi.Route {
	a := &api{store}
	return []httpapi.Route{
		route("/jaeger/api/services", jaegerError, a.services),
		route("/jaeger/api/services/{service}/operations", jaegerError, a.operationNames),
		route("/jaeger/api/operations", jaegerError, a.operations),
		route("/jaeger/api/traces", jaegerError, a.search),
		route("/jaeger/api/traces/{traceID}", jaegerError, a.trace),
		route("/jaeger/api/dependencies", jaegerError, a.dependencies),
		route("/jaeger/api/v3/services", gatewayError, a.services3),
		route("/jaeger/api/v3/operations", gatewayError, a.operations3),
		route("/jaeger/api/v3/traces", gatewayError, a.search3),
		route("/jaeger/api/v3/traces/{traceID}", gatewayError, a.trace3),
	}
}

func route(path string, failed func(*httpapi.Problem) any, handle handler) httpapi.Route {
	operation := httpapi.Operation{Method: http.MethodGet, Path: path, Repeats: []string{"tag", "tags", "traceID"}, Errors: failed}
	return httpapi.Raw(httpapi.Requires(queryserver.TracesRead), operation, func(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
		answer, err := handle(r.Context(), call.Scope, parameters{r.URL.Query(), r.PathValue})
		if err != nil {
			return err
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // the client has left: nothing to tell it
		return nil
	})
}

// structured is what Jaeger wraps its answers in (structuredResponse).
type structured struct {
	Data   any     `json:"data"`
	Total  int     `json:"total"`
	Limit  int     `json:"limit"`
	Offset int     `json:"offset"`
	Errors []fault `json:"errors"`
}

// fault is Jaeger's structuredError.
type fault struct {
	Code    int    `json:"code,omitempty"`
	Msg     string `json:"msg"`
	TraceID string `json:"traceID,omitempty"`
}

// jaegerError is an error as Jaeger UI reads it.
func jaegerError(p *httpapi.Problem) any {
	return structured{Errors: []fault{{Code: p.Status, Msg: message(p)}}}
}

// gatewayError is an error of the API v3 (GRPCGatewayError).
func gatewayError(p *httpapi.Problem) any {
	var body struct {
		Error struct {
			HTTPCode int    `json:"httpCode"`
			Message  string `json:"message"`
		} `json:"error"`
	}
	body.Error.HTTPCode, body.Error.Message = p.Status, message(p)
	return body
}

// message is all that a problem says, in one text.
func message(p *httpapi.Problem) string {
	text := p.Detail
	for _, field := range p.Errors {
		text += "; " + field.Location + " " + field.Message
	}
	return text
}
