package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// openAPIVersion is what huma describes in.
const openAPIVersion = "3.1.0"

const aboutAPI = `Errors are problem details (RFC 9457); lists come in pages with a cursor; send one credential per request.`

// newDescription begins the description of the API (OpenAPI 3.1).
func newDescription(version string, cookies Cookies) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: openAPIVersion,
		Info:    &huma.Info{Title: "TelemetryFlow API", Version: version, Description: aboutAPI},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer":       {Type: "http", Scheme: "bearer", Description: "An access token of a login, the token of a service account, or an API key as id:secret"},
				"session":      {Type: "apiKey", In: "cookie", Name: cookies.session, Description: "The cookie of a login; writes also need the header " + forgeryHeader},
				"apiKeyID":     {Type: "apiKey", In: "header", Name: apikey.IDHeader},
				"apiKeySecret": {Type: "apiKey", In: "header", Name: apikey.SecretHeader},
			},
		},
	}
}

// newHuma makes the API that routes register with. It serves nothing by itself: the
// description and its page are routes like others.
func newHuma(description *huma.OpenAPI, mux humago.Mux) huma.API {
	format := huma.Format{Marshal: marshalJSON, Unmarshal: json.Unmarshal}
	api := huma.NewAPI(huma.Config{
		OpenAPI:                      description,
		Formats:                      map[string]huma.Format{"application/json": format, "json": format}, // json: of …+json
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{sayProblem},
	}, humago.NewAdapter(mux, ""))
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(invalidContext{ctx}) })
	return api
}

// describe makes huma's operation of a route.
func (r Route) describe(registry huma.Registry) huma.Operation {
	o := r.operation
	security := []map[string][]string{{"bearer": {}}, {"session": {}}, {"apiKeyID": {}, "apiKeySecret": {}}}
	if r.access.kind == public {
		security = []map[string][]string{{}}
	}
	problem := huma.Response{
		Description: "What went wrong",
		Content:     map[string]*huma.MediaType{problemType: {Schema: registry.Schema(reflect.TypeFor[Problem](), true, "Problem")}},
	}
	return huma.Operation{
		Method: o.Method, Path: o.Path, OperationID: o.ID, Summary: o.Summary, Description: o.Description,
		Tags: []string{o.Tag}, DefaultStatus: o.Status, Security: security,
		Responses:       map[string]*huma.Response{"default": &problem},
		Extensions:      map[string]any{"x-access": r.access.String()},
		MaxBodyBytes:    -1, // guarded
		BodyReadTimeout: -1, // the listener's
	}
}

// faults of a route's own declaration.
func (r Route) faults() error {
	o := r.operation
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	switch {
	case !r.access.declared():
		return fmt.Errorf("route %s: declares no access", r.pattern())
	case r.register == nil && r.serve == nil:
		return fmt.Errorf("route %s: has no handler", r.pattern())
	case !slices.Contains(methods, o.Method):
		return fmt.Errorf("route %s: the method must be one of %v", r.pattern(), methods)
	case len(o.Path) == 0 || o.Path[0] != '/':
		return fmt.Errorf("route %s: the path must begin with /", r.pattern())
	case r.json && (o.ID == "" || o.Tag == "" || o.Summary == ""):
		return fmt.Errorf("route %s: needs ID, Tag and Summary", r.pattern())
	}
	return nil
}
