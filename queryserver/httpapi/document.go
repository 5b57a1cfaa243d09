package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

//go:embed docs.html
var docsTemplate string

//go:embed docs.css
var docsStyle []byte

// docsPolicy lets the page load its style sheet and nothing else. It needs no script.
const docsPolicy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// documents are the description in its three forms, written once all routes are known.
type documents struct{ json, yaml, html []byte }

func (d *documents) routes() []Route {
	return []Route{
		page("/openapi.json", "application/openapi+json", apiPolicy, func() []byte { return d.json }),
		page("/openapi.yaml", "application/openapi+yaml", apiPolicy, func() []byte { return d.yaml }),
		page("/docs", "text/html; charset=utf-8", docsPolicy, func() []byte { return d.html }),
		page("/docs/style.css", "text/css; charset=utf-8", apiPolicy, func() []byte { return docsStyle }),
	}
}

func page(path, contentType, policy string, content func() []byte) Route {
	return Raw(Public(), Operation{Method: http.MethodGet, Path: path}, func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", policy)
		_, _ = w.Write(content()) // the client has left
		return nil
	})
}

func (d *documents) write(description *huma.OpenAPI, routes []Route) error {
	var err error
	if d.json, err = json.Marshal(description); err != nil {
		return fmt.Errorf("write the description of the API: %w", err)
	}
	if d.yaml, err = description.YAML(); err != nil {
		return fmt.Errorf("write the description of the API as YAML: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"schemaType": schemaType, "required": required}).Parse(docsTemplate)
	if err != nil {
		return fmt.Errorf("read the template of the API's page: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, newDocsPage(description, routes)); err != nil {
		return fmt.Errorf("write the API's page: %w", err)
	}
	d.html = html.Bytes()
	return nil
}
