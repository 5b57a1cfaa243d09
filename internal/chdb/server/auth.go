package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// authenticate checks the caller's credential. Where none is configured all
// callers are the machine's own, which CheckListen has seen to.
func (s *Server) authenticate(r *http.Request) error {
	if s.options.open() {
		return nil
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if s.options.Token != "" && same(token, s.options.Token) {
			return nil
		}
		return unauthenticated()
	}
	user, password := credentials(r)
	if s.options.Password == "" {
		return unauthenticated()
	}
	// Both are compared whatever the first says, so that time tells nothing.
	if good := same(user, s.options.User); same(password, s.options.Password) && good {
		return nil
	}
	return unauthenticated()
}

// credentials are the user and password of a request, by the first of
// ClickHouse's three ways that is used.
func credentials(r *http.Request) (user, password string) {
	if user, password, ok := r.BasicAuth(); ok {
		return user, password
	}
	if user := r.Header.Get("X-ClickHouse-User"); user != "" {
		return user, r.Header.Get("X-ClickHouse-Key")
	}
	query := r.URL.Query()
	return query.Get("user"), query.Get("password")
}

// same compares in a time that depends on neither value nor length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func unauthenticated() error {
	return chdb.NewException(chdb.CodeAuthenticationFailed, "AUTHENTICATION_FAILED", "Authentication failed: password or token is incorrect, or there is no such user")
}
