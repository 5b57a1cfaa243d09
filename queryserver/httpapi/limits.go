package httpapi

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// bound limits the requests under way, and the time of each.
func (s *Server) bound(next http.Handler) http.Handler {
	slots := make(chan struct{}, s.settings.Limits.Requests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			writeError(w, r, &queryserver.Error{Code: queryserver.Unavailable, Message: "the server is busy", RetryAfter: defaultRetry})
			return
		}
		limits := s.settings.Limits
		longest := limits.BodyTimeout + limits.RequestTimeout
		if route := exchangeOf(r.Context()).route; route != nil && route.kinds != nil {
			longest = limits.StreamTimeout
		}
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
