package httpapi

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// checkTarget refuses request targets that proxies and servers read differently, and
// secrets in them, which would end in logs and histories (ASVS 14.2.1).
func checkTarget(r *http.Request) error {
	if !cleanPath(r.URL) {
		return errNoRoute()
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return queryserver.Errorf(queryserver.Invalid, "the query is malformed")
	}
	for name, values := range query {
		if slices.Contains(secretNames(), strings.ToLower(name)) || slices.ContainsFunc(values, looksSecret) {
			return queryserver.Errorf(queryserver.Invalid, "credentials must not be in the URL; send a header")
		}
		if len(values) > 1 && !strings.HasSuffix(name, "[]") { // such as match[] of Prometheus
			return queryserver.Errorf(queryserver.Invalid, "a query parameter comes twice; separate several values by commas")
		}
		if text := name + strings.Join(values, ""); !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return queryserver.Errorf(queryserver.Invalid, "the query is not UTF-8, or contains NUL")
		}
	}
	return nil
}

func errNoRoute() error {
	return queryserver.Errorf(queryserver.NotFound, "there is nothing at this path")
}

// cleanPath is false for paths with dot segments, empty segments, backslashes, control
// characters, and encoded slashes or percent signs: what is encoded twice (incident 7).
func cleanPath(u *url.URL) bool {
	plain, raw := u.Path, strings.ToLower(u.EscapedPath())
	for _, encoded := range []string{"%2f", "%5c", "%25", "%2e"} {
		if strings.Contains(raw, encoded) {
			return false
		}
	}
	if !utf8.ValidString(plain) || strings.ContainsFunc(plain, func(c rune) bool { return c < ' ' || c == '\\' || c == 0x7f }) {
		return false
	}
	return plain == path.Clean(plain) || plain == path.Clean(plain)+"/"
}

// secretNames are parameters under which other systems take credentials (incident 21).
func secretNames() []string {
	return []string{
		"access_token", "refresh_token", "id_token", "auth_token", "token", "jwt", "bearer", "authorization",
		"api_key", "apikey", "api-key", "x-api-key", "x-api-key-secret", "secret", "password", "session",
	}
}

// looksSecret knows a JWT and the secret of an API key by their beginnings.
func looksSecret(value string) bool {
	return strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2 || strings.Contains(value, "tfs_")
}
