package httpapi

import (
	"errors"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// guard stands before every route: who calls, whether the browser was tricked into it,
// whether the caller may, and only then what the body says. No other place decides it
// (ASVS 8.3.1).
func (s *Server) guard(route *Route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.admit(r, route)
		for name, value := range exchangeOf(r.Context()).limit.Headers() {
			w.Header().Set(name, value)
		}
		if err != nil {
			writeError(w, r, err)
			return
		}
		if err := s.readBody(w, r, route); err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) admit(r *http.Request, route *Route) error {
	if route.json {
		if err := acceptsJSON(r.Header.Values("Accept")); err != nil {
			return err
		}
	}
	if route.access.kind == public {
		if err := s.rates.take(exchangeOf(r.Context()).client); err != nil {
			return err
		}
		return s.refuseForeign(r, false)
	}
	presented, err := present(r, s.cookies.session)
	if err != nil {
		return err
	}
	if err := s.refuseForeign(r, presented.Kind == SessionCredential); err != nil {
		return err
	}
	call, err := s.authenticate(r, presented)
	if err != nil {
		return err
	}
	exchangeOf(r.Context()).call = call
	if !route.access.allows(call.Scope) {
		if s.denied != nil {
			s.denied(r.Context(), *call, *route)
		}
		return queryserver.Errorf(queryserver.Forbidden, "this needs the permission %s", route.access)
	}
	return nil
}

var errNobody = errors.New("the authenticator returned neither a caller nor an error")

func (s *Server) authenticate(r *http.Request, presented Presented) (*queryserver.Call, error) {
	e := exchangeOf(r.Context())
	presented.Limited = func(limit apikey.RateLimit) { e.limit = limit }
	shared, err := s.authenticator.Authenticate(r.Context(), presented)
	if err != nil {
		return nil, err
	}
	if shared == nil || shared.Subject.ID == "" {
		return nil, errNobody
	}
	call := *shared
	call.Client = presented.Client
	return &call, nil
}
