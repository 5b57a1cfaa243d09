package oidctest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// GitHubEmail is an address of the account.
type GitHubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

// GitHub is a GitHub Enterprise Server, as far as logging in uses it: github.com has
// the same paths under other names. A test sets its fields before the step that they
// change.
type GitHub struct {
	URL    string
	Roots  *x509.CertPool
	CAFile string // the same, in PEM
	ID     string // of the OAuth application
	Secret string

	User     map[string]any
	Emails   []GitHubEmail
	PageSize int                                                  // at most; GitHub's is 100
	Serve    func(http.ResponseWriter, *http.Request) (done bool) // answers in its place

	t      testing.TB
	mu     sync.Mutex
	logins map[string]url.Values
	tokens map[string]bool
}

// NewGitHub starts one that ends with the test, with the account 583231.
func NewGitHub(t testing.TB) *GitHub {
	t.Helper()
	g := &GitHub{
		ID: "Iv1.app", Secret: rand.Text(), t: t, Roots: x509.NewCertPool(), PageSize: 100,
		User: map[string]any{
			"id": 583231, "login": "ada", "name": "Ada Lovelace", "email": "public@example.com",
			"avatar_url": "https://avatars.example.com/u/583231",
		},
		logins: make(map[string]url.Values), tokens: make(map[string]bool),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", g.token)
	mux.HandleFunc("GET /api/v3/user", g.authorized(func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, g.User)
	}))
	mux.HandleFunc("GET /api/v3/user/emails", g.authorized(g.emails))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Serve == nil || !g.Serve(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL
	g.Roots.AddCert(server.Certificate())
	g.CAFile = keepCertificate(t, server.Certificate())
	return g
}

// Authorize is the user's visit: it gives the parameters that lead back.
func (g *GitHub) Authorize(authorizationURL string) url.Values {
	g.t.Helper()
	parsed, err := url.Parse(authorizationURL)
	require.NoError(g.t, err)
	require.Equal(g.t, "/login/oauth/authorize", parsed.Path)
	asked := parsed.Query()
	require.Equal(g.t, g.ID, asked.Get("client_id"))
	require.Equal(g.t, "S256", asked.Get("code_challenge_method"))
	code := rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.logins[code] = asked
	return url.Values{"code": {code}, "state": {asked.Get("state")}}
}

// token answers as GitHub does: with a form, and with 200 also for errors.
func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	code := r.PostFormValue("code")
	asked, known := g.logins[code]
	delete(g.logins, code)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	answer := url.Values{}
	switch {
	case r.PostFormValue("client_id") != g.ID || r.PostFormValue("client_secret") != g.Secret:
		answer.Set("error", "incorrect_client_credentials")
	case !known || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		answer.Set("error", "bad_verification_code")
	default:
		token := rand.Text()
		g.tokens[token] = true
		answer = url.Values{"access_token": {token}, "token_type": {"bearer"}, "scope": {asked.Get("scope")}}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = io.WriteString(w, answer.Encode())
}

func (g *GitHub) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		known := g.tokens[token]
		g.mu.Unlock()
		if !known {
			WriteJSON(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
			return
		}
		next(w, r)
	}
}

func (g *GitHub) emails(w http.ResponseWriter, r *http.Request) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	size, page := min(number("per_page", 30), g.PageSize), number("page", 1)
	from := min((page-1)*size, len(g.Emails))
	to := min(from+size, len(g.Emails))
	if to < len(g.Emails) {
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/user/emails?page=%d>; rel="next", <%s/api/v3/user/emails?page=9>; rel="last"`, g.URL, page+1, g.URL))
	}
	WriteJSON(w, http.StatusOK, g.Emails[from:to])
}
