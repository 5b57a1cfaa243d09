package httpapi

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// handler is what the public listener serves: each layer with the next one inside.
func (s *Server) handler() http.Handler {
	var h http.Handler = s.router // the route's guard, its body, its handler
	h = s.checked(h)              // targets that nobody should send
	h = s.cors.wrap(h)            // preflights
	h = s.bound(h)                // how many, and how long
	h = s.log(h)                  // one line; panics end here
	h = s.routed(h)               // which route
	h = s.observed(h)             // trace and metrics
	h = secureHeaders(h)          // on every answer
	return s.identified(h)        // where it comes from
}

func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := s.proxies.observe(r)
		e.cursors = s.cursors
		next.ServeHTTP(w, withExchange(r, e))
	})
}

// observed makes a span and metrics of each request. The server's name stands in for the
// Host header, which would let callers make series. A caller's trace is linked, and
// continued only for a proxy of ours.
func (s *Server) observed(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "http",
		otelhttp.WithServerName("telemetryflow"),
		otelhttp.WithTracerProvider(s.tracers), otelhttp.WithMeterProvider(s.meters),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithPublicEndpointFn(func(r *http.Request) bool { return !exchangeOf(r.Context()).proxied }),
	)
}

// routed names the route to the log, the span and the metrics. The latter two read the
// pattern of the very request they passed on, so it is set before anybody copies it.
func (s *Server) routed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r.Context())
		if cleanPath(r.URL) {
			if e.route = s.router.find(r); e.route != nil {
				r.Pattern = e.route.pattern()
				trace.SpanFromContext(r.Context()).SetAttributes(attribute.String("http.route", e.route.operation.Path))
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) checked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkTarget(r); err != nil {
			writeError(w, r, err)
			return
		}
		e := exchangeOf(r.Context())
		e.path, e.query = r.URL.Path, pageQuery(r.URL)
		next.ServeHTTP(w, r)
	})
}
