package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// bound limits the requests under way, and the time of each.
func (s *Server) bound(next http.Handler) http.Handler {
	slots := make(chan struct{}, s.settings.Limits.Requests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Also for bodies that are refused unread: the server reads on a little to keep
			// the connection, and must not wait for ever.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.settings.Limits.BodyTimeout))
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			writeError(w, r, &queryserver.Error{Code: queryserver.Unavailable, Message: "the server is busy", RetryAfter: defaultRetry})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.settings.Limits.BodyTimeout+s.settings.Limits.RequestTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
