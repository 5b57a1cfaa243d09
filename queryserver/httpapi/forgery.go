package httpapi

import (
	"net/http"
	"net/url"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// forgeryHeader must come with every write of a cookie's caller. No form and no image can
// send it, and another site's script only after a preflight, which it does not pass
// (ASVS 3.5.1, 3.5.2).
const forgeryHeader = "X-Requested-With"

// safe methods change nothing (RFC 9110 section 9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func errForeign(reason string) error {
	return queryserver.Errorf(queryserver.Forbidden, "the request may have been forged by another site: %s", reason)
}

// refuseForeign refuses writes that a browser sends for another site. Browsers say so in
// Sec-Fetch-Site, older ones in Origin. For a cookie's caller silence is a refusal too;
// others may be programs.
func (s *Server) refuseForeign(r *http.Request, byCookie bool) error {
	if safe(r.Method) {
		return nil
	}
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch {
	case s.cors.listed(origin) || s.ownOrigin(r, origin):
	case origin != "" || site != "" && site != "same-origin" && site != "none":
		return errForeign("it comes from another origin")
	case byCookie && site != "same-origin":
		return errForeign("it has neither Origin nor Sec-Fetch-Site")
	}
	if byCookie && r.Header.Get(forgeryHeader) == "" {
		return errForeign("it lacks the header " + forgeryHeader)
	}
	return nil
}

// ownOrigin compares with the public URL, or else with where the request went.
func (s *Server) ownOrigin(r *http.Request, origin string) bool {
	if origin == "" {
		return false
	}
	if s.settings.PublicURL != "" {
		return origin == s.settings.PublicURL
	}
	scheme := "http"
	if exchangeOf(r.Context()).secure {
		scheme = "https"
	}
	own := url.URL{Scheme: scheme, Host: r.Host}
	return origin == own.String()
}
