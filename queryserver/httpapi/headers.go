package httpapi

import "net/http"

const (
	// apiPolicy is for answers that are no pages: if one is shown as a page after all, it
	// can load and do nothing.
	apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	// strictTransport is one year; subdomains are not ours to decide for.
	strictTransport = "max-age=31536000"
)

// secureHeaders are on every answer (ASVS 3.4.1 to 3.4.6, 14.3.2). A page may set a
// policy of its own.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r.Context())
		header := w.Header()
		header.Set(requestIDHeader, e.id)
		header.Set("Content-Security-Policy", apiPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if e.secure {
			header.Set("Strict-Transport-Security", strictTransport)
		}
		next.ServeHTTP(w, r)
	})
}
