package sso

import (
	"net/url"
	"path"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxReturnTo bounds a path to return to.
const maxReturnTo = 2 << 10

// ReturnTo checks where a browser wants to be led after the login: a path of this
// server, with query and fragment (ASVS 3.7.2). Empty is /. Anything that some browser
// could take for another host is Invalid.
func ReturnTo(wanted string) (string, error) {
	if wanted == "" {
		return "/", nil
	}
	parsed, err := url.Parse(wanted)
	if err != nil || len(wanted) > maxReturnTo || wanted[0] != '/' ||
		strings.ContainsFunc(wanted, func(c rune) bool { return c <= ' ' || c == '\\' || c >= 0x7f }) ||
		parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || !plainPath(parsed.EscapedPath()) {
		return "", &queryserver.Error{Code: queryserver.Invalid, Message: "The place to return to must be a path of this server.",
			Fields: []queryserver.FieldError{{Location: "query.returnTo", Message: "must begin with one / and name no host"}}}
	}
	return wanted, nil
}

// plainPath is a path without empty or dotted segments, which a browser might resolve
// into //host.
func plainPath(text string) bool {
	trimmed := text
	if trimmed != "/" {
		trimmed = strings.TrimSuffix(trimmed, "/")
	}
	return path.Clean(trimmed) == trimmed
}
