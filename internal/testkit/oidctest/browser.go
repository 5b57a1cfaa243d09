package oidctest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

const (
	// maxSteps is more pages and redirects than a login takes.
	maxSteps = 20
	// browserTimeout bounds one page on a busy machine.
	browserTimeout = time.Minute
)

// Browser is a user's: it keeps cookies, follows redirects and submits forms.
type Browser struct{ client *http.Client }

// NewBrowser makes one without cookies.
func NewBrowser(roots *x509.CertPool) *Browser {
	jar, _ := cookiejar.New(nil) // fails never
	return &Browser{client: &http.Client{
		Jar:           jar,
		Timeout:       browserTimeout,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// LogIn opens the provider's page, logs in unless that has happened before, agrees,
// and gives the parameters with which the provider sends the browser back.
func (b *Browser) LogIn(t testing.TB, authorizationURL, login string) url.Values {
	t.Helper()
	return b.walk(t, authorizationURL, func(page *page) *http.Request {
		fields := page.fields
		if fields.Has("login") {
			fields.Set("login", login)
			fields.Set("password", "any")
		}
		return request(t, http.MethodPost, page.action, fields)
	})
}

// Deny opens the provider's page and cancels there.
func (b *Browser) Deny(t testing.TB, authorizationURL string) url.Values {
	t.Helper()
	return b.walk(t, authorizationURL, func(page *page) *http.Request {
		return request(t, http.MethodGet, page.cancel, nil)
	})
}

func (b *Browser) walk(t testing.TB, from string, next func(*page) *http.Request) url.Values {
	t.Helper()
	home, err := url.Parse(from)
	require.NoError(t, err)
	step := request(t, http.MethodGet, from, nil)
	for range maxSteps {
		response, err := b.client.Do(step)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		if location, err := response.Location(); err == nil {
			if location.Host != home.Host {
				return location.Query()
			}
			step = request(t, http.MethodGet, location.String(), nil)
			continue
		}
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
		step = next(parsePage(t, response.Request.URL, string(body)))
	}
	require.Fail(t, "the login does not end")
	return nil
}

func request(t testing.TB, method, target string, form url.Values) *http.Request {
	t.Helper()
	made, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if method == http.MethodPost {
		made.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return made
}

// page is what counts of an HTML page: one form and a link to cancel.
type page struct {
	action, cancel string
	fields         url.Values
}

func parsePage(t testing.TB, at *url.URL, text string) *page {
	t.Helper()
	found := &page{fields: make(url.Values)}
	resolve := func(reference string) string {
		target, err := at.Parse(reference)
		require.NoError(t, err)
		return target.String()
	}
	document, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	for node := range document.Descendants() {
		switch {
		case node.Data == "form":
			found.action = resolve(attribute(node, "action"))
		case node.Data == "input":
			found.fields.Set(attribute(node, "name"), attribute(node, "value"))
		case node.Data == "a" && strings.HasSuffix(attribute(node, "href"), "/abort"):
			found.cancel = resolve(attribute(node, "href"))
		}
	}
	require.NotEmpty(t, found.action, "the page has no form: %s", text)
	return found
}

func attribute(node *html.Node, name string) string {
	for _, found := range node.Attr {
		if found.Key == name {
			return found.Val
		}
	}
	return ""
}
