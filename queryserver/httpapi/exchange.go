package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/netip"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// exchange is what the layers know of one request. It belongs to that request's
// goroutine; nothing of it is shared, so that two callers cannot be mixed up.
type exchange struct {
	id        string
	client    netip.Addr
	userAgent string
	secure    bool // it came by TLS, to us or to a proxy of ours
	proxied   bool // it came from a proxy of ours
	route     *Route
	call      *queryserver.Call // once the caller is proved
	limit     apikey.RateLimit  // of the caller's API key; zero: none
	err       error             // that was answered
	cursors   *cursors
	path      string
	query     string // without cursor and limit, for pages
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

func withExchange(r *http.Request, e *exchange) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
}

// caller is what handlers get: on a public route only where the call comes from.
func (e *exchange) caller() queryserver.Call {
	if e.call == nil {
		return queryserver.Call{Client: e.origin()}
	}
	return *e.call
}

func (e *exchange) origin() queryserver.Client {
	return queryserver.Client{IP: e.client, UserAgent: e.userAgent, RequestID: e.id}
}

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 64  // characters; a UUID has 36
	maxUserAgent    = 256 // bytes that are kept; browsers send about 120
)

func newRequestID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	return hex.EncodeToString(random[:])
}

// validRequestID keeps a proxy's id out of trouble in logs, headers and URNs.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
