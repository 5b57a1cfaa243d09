//go:build linux

package queryserver

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// setupLink is what a server prints until somebody can log in.
func (s *server) setupLink(t *testing.T) (link string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for line := range strings.Lines(s.Output()) {
			if at := strings.Index(line, s.url+"/setup/"); at >= 0 {
				link = strings.TrimSpace(line[at:])
			}
		}
		return link != ""
	}, stacktest.Patience, stacktest.Often)
	return link
}

// browser fills in forms as a browser does, with its cookies and where it comes from, but
// without script.
type browser struct {
	*client
	status int // of the last answer
}

func (s *server) browser(t *testing.T) *browser {
	t.Helper()
	return &browser{client: s.client(t)}
}

func (b *browser) get(t *testing.T, target string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	return b.visit(t, request)
}

func (b *browser) post(t *testing.T, target string, form url.Values) string {
	t.Helper()
	return b.postFrom(t, b.base, target, form)
}

// postFrom sends a form of another origin's page; "" says nothing of it.
func (b *browser) postFrom(t *testing.T, origin, target string, form url.Values) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	return b.visit(t, request)
}

func (b *browser) visit(t *testing.T, request *http.Request) string {
	t.Helper()
	response, err := b.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	b.status = response.StatusCode
	policy := response.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	t.Logf("%s %s: %d", request.Method, request.URL.Path, response.StatusCode)
	return string(text)
}

func (b *browser) login(t *testing.T, email string) string {
	t.Helper()
	return b.post(t, b.base+"/login", url.Values{"email": {email}, "password": {secret}})
}

// found is the first group of a pattern in a page.
func found(t *testing.T, pattern, page string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(page)
	require.NotNil(t, match, "%s in:\n%s", pattern, page)
	return match[1]
}
