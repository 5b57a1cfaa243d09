package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// Rogue is an OpenID provider that behaves until it is told otherwise. A test sets its
// hooks before the step that they change; they run in the server's goroutines.
type Rogue struct {
	// URL is where it is; an issuer may have a path below it.
	URL    string
	Roots  *x509.CertPool
	CAFile string            // the same, in PEM
	Key    *ecdsa.PrivateKey // signs, unless Sign does
	KeyID  string
	ID     string // of the client
	Secret string
	// SecretInBody takes the client's secret in the body only, else in the header only.
	SecretInBody bool

	Discovery func(document map[string]any)                        // edits the discovery document
	Claims    func(claims map[string]any)                          // edits the claims of the ID token
	Sign      func(claims []byte) string                           // makes the ID token
	UserInfo  func(claims map[string]any)                          // edits the answer of userinfo
	Serve     func(http.ResponseWriter, *http.Request) (done bool) // answers in its place

	t        testing.TB
	mu       sync.Mutex
	logins   map[string]url.Values // parameters of the authorization, by code
	requests map[string]int        // by path
}

// NewRogue starts one that ends with the test. Its client is named app.
func NewRogue(t testing.TB) *Rogue {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	r := &Rogue{
		Key: key, KeyID: rand.Text(), ID: "app", Secret: rand.Text(), t: t,
		Roots: x509.NewCertPool(), logins: make(map[string]url.Values), requests: make(map[string]int),
	}
	server := httptest.NewTLSServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	r.Roots.AddCert(server.Certificate())
	r.CAFile = keepCertificate(t, server.Certificate())
	return r
}

// Requests is how often a path was asked for.
func (r *Rogue) Requests(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[path]
}

// Authorize is the user's visit: it gives the parameters that lead back.
func (r *Rogue) Authorize(authorizationURL string) url.Values {
	r.t.Helper()
	parsed, err := url.Parse(authorizationURL)
	require.NoError(r.t, err)
	asked := parsed.Query()
	require.Equal(r.t, "S256", asked.Get("code_challenge_method"))
	code := rand.Text()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logins[code] = asked
	return url.Values{"code": {code}, "state": {asked.Get("state")}}
}

func (r *Rogue) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.requests[request.URL.Path]++
	r.mu.Unlock()
	if r.Serve != nil && r.Serve(w, request) {
		return
	}
	issuer, wellKnown := strings.CutSuffix(request.URL.Path, "/.well-known/openid-configuration")
	switch {
	case wellKnown:
		r.discover(w, issuer)
	case request.URL.Path == "/jwks":
		WriteJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: r.Key.Public(), KeyID: r.KeyID, Use: "sig", Algorithm: "ES256"},
		}})
	case request.URL.Path == "/token":
		r.token(w, request)
	case request.URL.Path == "/userinfo":
		claims := map[string]any{"sub": "ada"}
		if r.UserInfo != nil {
			r.UserInfo(claims)
		}
		WriteJSON(w, http.StatusOK, claims)
	default:
		http.NotFound(w, request)
	}
}

func (r *Rogue) discover(w http.ResponseWriter, path string) {
	document := map[string]any{
		"issuer":                                r.URL + path,
		"authorization_endpoint":                r.URL + "/authorize",
		"token_endpoint":                        r.URL + "/token",
		"userinfo_endpoint":                     r.URL + "/userinfo",
		"jwks_uri":                              r.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if r.SecretInBody {
		document["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	}
	if r.Discovery != nil {
		r.Discovery(document)
	}
	WriteJSON(w, http.StatusOK, document)
}

func (r *Rogue) token(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	code := request.PostFormValue("code")
	asked, known := r.logins[code]
	delete(r.logins, code)
	r.mu.Unlock()
	challenge := sha256.Sum256([]byte(request.PostFormValue("code_verifier")))
	id, secret, _ := request.BasicAuth()
	if r.SecretInBody {
		id, secret = request.PostFormValue("client_id"), request.PostFormValue("client_secret")
	}
	switch {
	case id != r.ID || secret != r.Secret:
		WriteJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	case !known || asked.Get("redirect_uri") != request.PostFormValue("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		WriteJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	hash := sha256.Sum256([]byte(access))
	now := time.Now()
	claims := map[string]any{
		"iss": r.URL, "sub": "ada", "aud": r.ID, "nonce": asked.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2]),
		"email":   "ada@example.com", "email_verified": true, "name": "Ada Lovelace",
	}
	if r.Claims != nil {
		r.Claims(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sign := r.Sign
	if sign == nil {
		sign = func(payload []byte) string { return r.SignWith(payload, jose.ES256, r.Key, r.KeyID) }
	}
	WriteJSON(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": sign(payload)})
}

// SignWith signs claims with any key, whose public half goes into the header as jwk
// when the key's id is "embedded".
func (r *Rogue) SignWith(payload []byte, algorithm jose.SignatureAlgorithm, key any, id string) string {
	options := (&jose.SignerOptions{EmbedJWK: id == "embedded"}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, options)
	if err != nil {
		r.t.Errorf("make a signer: %v", err)
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		r.t.Errorf("sign: %v", err)
		return ""
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		r.t.Errorf("serialize: %v", err)
	}
	return compact
}

// WriteJSON answers with JSON, for Serve.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
