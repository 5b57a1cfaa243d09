package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// cell is one request of the matrix.
type cell struct {
	*testing.T
	world  *world
	row    row
	probe  probe
	caller *caller
	want   int
	cookie string // which the probe sends along
}

// object is a JSON object.
type object = map[string]any

// probe is how a route is called so that it succeeds for those who may.
type probe struct {
	// ids stand in for the placeholders of the path, in order.
	ids func(c *cell) []string
	// query ends the URL, with its question mark.
	query string
	// asks is a query that depends on who asks for what.
	asks func(c *cell) string
	// tells: an answer has the name of a service of the caller's tenant.
	tells bool
	// accept is what the caller wants to be answered; empty: whatever comes.
	accept string
	// body is JSON, or a form where it is url.Values.
	body func(c *cell) any
	// once: the request ends or changes what its caller has, who is made for it alone.
	once bool
	// late routes make or end tenants, which changes what others may do. They come last.
	late bool
}

// probes has a line for every route, under its method and path.
func probes() map[string]probe {
	all := make(map[string]probe)
	for _, some := range []map[string]probe{
		publicPageProbes(), ownPageProbes(), loginProbes(), ssoProbes(), accountProbes(), organizationProbes(),
		userProbes(), invitationProbes(), roleProbes(), serviceAccountProbes(), apiKeyProbes(), providerProbes(),
		telemetryProbes(), metricProbes(), logProbes(), traceProbes(), jaegerProbes(), prometheusProbes(),
	} {
		maps.Copy(all, some)
	}
	return all
}

// named is the body of what has a name only.
func named(c *cell) any { return object{"name": c.name()} }

func constant(text string) func(*cell) []string {
	return func(*cell) []string { return []string{text} }
}

func ids(all ...tenant.ID) []string {
	texts := make([]string, len(all))
	for i, id := range all {
		texts[i] = id.String()
	}
	return texts
}

// name is one that nothing else has, with the canary of the caller's organization.
func (c *cell) name() string {
	if c.caller.estate == c.world.theirs {
		return c.world.theirs.canary + "-" + fresh()
	}
	return c.world.ours.canary + "-" + fresh()
}

// estate is where the object of the request is.
func (c *cell) estate() *estate {
	if c.row.object == "foreign" || c.row.object == foreignInBrowser {
		return c.world.theirs
	}
	return c.world.ours
}

// spends says that the request will change its object, which is made for it alone.
func (c *cell) spends() bool { return c.want < 300 && c.row.method != http.MethodGet }

// The objects of pages that look at the session's cookie: they are asked for by nobody
// but callers who have one.
const (
	inBrowser        = "browser"
	foreignInBrowser = "browser-foreign"
)

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

// path is that of the route, for the object of the row.
func (c *cell) path() string {
	path := strings.TrimSuffix(c.row.path, "{$}")
	if c.probe.ids != nil {
		for _, id := range c.probe.ids(c) {
			found := placeholder.FindStringIndex(path)
			require.NotNil(c, found, c.row.route())
			path = path[:found[0]] + id + path[found[1]:]
		}
	}
	if c.probe.asks != nil {
		return path + c.probe.asks(c)
	}
	return path + c.probe.query
}

// content is the body of the request, and its media type.
func (c *cell) content() (body, kind string) {
	if c.probe.body == nil {
		return "", ""
	}
	switch content := c.probe.body(c).(type) {
	case url.Values:
		return content.Encode(), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(content)
		require.NoError(c, err)
		return string(text), "application/json"
	}
}

// request is the route as its probe says it.
func (c *cell) request() *http.Request {
	body, kind := c.content()
	request, err := http.NewRequestWithContext(c.Context(), c.row.method, c.world.base+c.path(), strings.NewReader(body))
	require.NoError(c, err)
	for name, value := range map[string]string{"Content-Type": kind, "Accept": c.probe.accept, "Cookie": c.cookie} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	c.caller.sign(request)
	return request
}

// takes says whether a caller asks for the object of a row.
func (r row) takes(c *caller) bool {
	return !strings.HasPrefix(r.object, inBrowser) || c.headers["Cookie"] != ""
}
