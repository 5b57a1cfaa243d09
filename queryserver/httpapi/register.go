package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// guardedMux is the mux as huma sees it: what it registers is put behind the guard of
// the route under way.
type guardedMux struct {
	server *Server
	route  *Route
}

// HandleFunc is called by huma once per route.
func (m *guardedMux) HandleFunc(_ string, handler func(http.ResponseWriter, *http.Request)) {
	m.server.router.handle(m.route, m.server.guard(m.route, http.HandlerFunc(handler)))
}

// ServeHTTP is not used: the server serves by itself.
func (m *guardedMux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.server.router.ServeHTTP(w, r)
}

func (s *Server) register(version string, routes []Route) error {
	description := newDescription(version, s.cookies)
	mux := &guardedMux{server: s}
	api := newHuma(description, mux)
	documents := &documents{}
	s.routes = append(append(s.routes, routes...), documents.routes()...)
	var faults []error
	for i := range s.routes {
		route := &s.routes[i]
		if err := route.faults(); err != nil {
			faults = append(faults, err)
			continue
		}
		if !route.json {
			s.router.handle(route, s.guard(route, s.raw(route)))
			continue
		}
		operation := route.describe(description.Components.Schemas)
		mux.route = route
		route.register(api, operation)
		if err := checkBounds(description.Components.Schemas, operationOf(description, route)); err != nil {
			faults = append(faults, fmt.Errorf("route %s: %w", route.pattern(), err))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	// Huma describes its own errors too, which sayProblem lets nobody see.
	delete(description.Components.Schemas.Map(), "ErrorModel")
	delete(description.Components.Schemas.Map(), "ErrorDetail")
	return documents.write(description, s.routes)
}

func (s *Server) raw(route *Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &recorder{ResponseWriter: w}
		if err := route.serve(answer, r, exchangeOf(r.Context()).caller()); err != nil && answer.status == 0 {
			writeError(w, r, err)
		}
	})
}

// operationOf is the description of a route, as huma has filled it in.
func operationOf(description *huma.OpenAPI, route *Route) *huma.Operation {
	item := description.Paths[route.operation.Path]
	switch route.operation.Method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	default:
		return item.Delete
	}
}
