package httpapi

import (
	"net/http"
	"slices"
)

// cors lets pages of listed origins call the API with cookies. Of others nothing is
// answered, so that browsers keep the answer from them (ASVS 3.4.2).
type cors struct{ origins []string }

func (c cors) listed(origin string) bool { return slices.Contains(c.origins, origin) }

const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, If-Match, Idempotency-Key, " + forgeryHeader
	corsExposed = "Link, Retry-After, " + requestIDHeader + ", X-Cache, X-Cache-Level, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
	// corsMaxAge is how many seconds a browser may remember a preflight: 10 min, so that a
	// change of the list is soon felt.
	corsMaxAge = "600"
)

// wrap answers preflights of listed origins, and marks their other answers as readable.
func (c cors) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		at := slices.Index(c.origins, r.Header.Get("Origin"))
		if at < 0 {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", c.origins[at])
		header.Set("Access-Control-Allow-Credentials", "true")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			header.Set("Access-Control-Expose-Headers", corsExposed)
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsMaxAge)
		w.WriteHeader(http.StatusNoContent)
	})
}
