package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

func TestOpenAPI_DescribesEveryRoute(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.get(t, "/openapi.json")
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "application/openapi+json", got.Header.Get("Content-Type"))
	var description struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Access      string                `json:"x-access"`
			Security    []map[string][]string `json:"security"`
			Responses   map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		}
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]any `json:"securitySchemes"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &description))
	require.Equal(t, "3.1.0", description.OpenAPI)
	described := 0
	for _, route := range f.Routes() {
		if !route.json {
			continue
		}
		described++
		operation := description.Paths[route.Path()][strings.ToLower(route.Method())]
		require.Equal(t, route.operation.ID, operation.OperationID)
		require.Equal(t, route.Access().String(), operation.Access)
		require.Contains(t, operation.Responses["default"].Content, problemType)
		require.Equal(t, route.Access() == Public(), len(operation.Security) == 1)
	}
	require.Equal(t, 10, described)
	require.Contains(t, description.Components.Schemas, "Problem")
	require.NotContains(t, description.Components.Schemas, "ErrorModel")
	require.Len(t, description.Components.SecuritySchemes, 4)

	yaml := f.get(t, "/openapi.yaml")
	require.Equal(t, 200, yaml.StatusCode)
	require.Contains(t, yaml.body, "openapi: 3.1.0")
	require.Contains(t, yaml.body, "operationId: listThings")
}

// The page works under its policy: one style sheet of our own, no script, nothing inline,
// nothing from outside.
func TestASVS_3_4_3_DocsPageUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.get(t, "/docs")
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "text/html; charset=utf-8", got.Header.Get("Content-Type"))
	policy := got.Header.Get("Content-Security-Policy")
	require.Equal(t, "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'", policy)

	root, err := html.Parse(strings.NewReader(got.body))
	require.NoError(t, err)
	ids, links := map[string]bool{}, []string{}
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		require.NotContains(t, []string{"script", "style", "iframe", "object", "embed", "img", "form", "base", "svg"}, node.Data)
		for _, attribute := range node.Attr {
			require.False(t, strings.HasPrefix(attribute.Key, "on") || attribute.Key == "style" || attribute.Key == "src", attribute.Key)
			switch attribute.Key {
			case "id":
				require.False(t, ids[attribute.Val], "twice: "+attribute.Val)
				ids[attribute.Val] = true
			case "href":
				links = append(links, attribute.Val)
			}
		}
	}
	require.Greater(t, len(links), 10)
	for _, link := range links {
		if anchor, within := strings.CutPrefix(link, "#"); within {
			require.True(t, ids[anchor], "nothing at "+link)
			continue
		}
		require.Equal(t, 200, f.get(t, link).StatusCode, link)
	}
	for _, route := range f.Routes() {
		require.Equal(t, route.json, ids[route.operation.ID], route.pattern())
	}
	require.Equal(t, "text/css; charset=utf-8", f.get(t, "/docs/style.css").Header.Get("Content-Type"))
	require.NotContains(t, string(docsStyle), "url(")
	require.NotContains(t, string(docsStyle), "@import")
}
