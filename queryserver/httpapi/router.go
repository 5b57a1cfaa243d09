package httpapi

import (
	"net/http"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// apiPrefix is where only the API answers: a page for "/" never stands in for it.
const apiPrefix = "/api/"

// router finds the route of a request. The API and the pages have a mux each.
type router struct {
	api, pages *http.ServeMux
	routes     map[string]*Route // by pattern
}

func newRouter() *router {
	return &router{api: http.NewServeMux(), pages: http.NewServeMux(), routes: map[string]*Route{}}
}

func (m *router) mux(path string) *http.ServeMux {
	if strings.HasPrefix(path, apiPrefix) {
		return m.api
	}
	return m.pages
}

// handle is called once per route, at start. Patterns that conflict panic.
func (m *router) handle(route *Route, handler http.Handler) {
	m.routes[route.pattern()] = route
	m.mux(route.operation.Path).Handle(route.pattern(), handler)
}

// find is nil when no route fits the path and the method.
func (m *router) find(r *http.Request) *Route {
	_, pattern := m.mux(r.URL.Path).Handler(r)
	return m.routes[pattern]
}

// ServeHTTP serves the route, or says why there is none.
func (m *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if exchangeOf(r.Context()).route != nil {
		m.mux(r.URL.Path).ServeHTTP(w, r)
		return
	}
	// The mux knows which methods the path has, and says so in a header only.
	refusal := probe{header: http.Header{}}
	handler, _ := m.mux(r.URL.Path).Handler(r)
	handler.ServeHTTP(&refusal, r)
	if allowed := refusal.header.Get("Allow"); refusal.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allowed)
		writeError(w, r, queryserver.Errorf(methodNotAllowed, "this path takes %s", allowed))
		return
	}
	writeError(w, r, errNoRoute())
}

// probe is a response that nobody reads.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header            { return p.header }
func (p *probe) WriteHeader(status int)         { p.status = status }
func (p *probe) Write(text []byte) (int, error) { return len(text), nil }
