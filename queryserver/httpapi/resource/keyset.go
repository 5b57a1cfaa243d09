package resource

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// KeySet is the route of the public keys of access tokens (RFC 7517, 5), for programs
// that verify them by themselves. The set may be kept for so long.
func KeySet(set func() any, keep time.Duration) []httpapi.Route {
	control := "public, max-age=" + strconv.Itoa(int(keep.Seconds()))
	return []httpapi.Route{httpapi.Raw(httpapi.Public(), httpapi.Operation{Method: http.MethodGet, Path: "/.well-known/jwks.json"},
		func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
			text, err := json.Marshal(set())
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/jwk-set+json")
			w.Header().Set("Cache-Control", control)
			_, err = w.Write(text)
			return err
		})}
}
