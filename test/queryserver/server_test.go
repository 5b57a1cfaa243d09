//go:build linux

package queryserver

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
)

const (
	email  = "ada@example.com"
	secret = "a harbour in winter fog"
)

// server is a running query server with an Owner.
type server struct {
	*stacktest.Process
	url, admin string
	database   *testkit.PostgresDatabase
	redis      *testkit.RedisServer
	sink       *smtptest.Sink
	cert       *stacktest.Certificate
	config     string // a file; the shipped one by default
	// environment is that of the server, and of commands beside it. What it has before the
	// server runs is added to.
	environment []string
}

func start(t *testing.T) *server {
	t.Helper()
	s := &server{database: testkit.Postgres(t), redis: testkit.Redis(t), sink: smtptest.Start(t)}
	s.fill(t)
	s.run(t)
	return s
}

// launch starts a server of an installation without users.
func launch(t *testing.T) *server {
	t.Helper()
	s := &server{database: testkit.Postgres(t), redis: testkit.Redis(t), sink: smtptest.Start(t)}
	s.run(t)
	return s
}

// fill makes an organization with an Owner.
func (s *server) fill(t *testing.T) {
	t.Helper()
	s.plant(t, "acme")
	s.create(t, email, "Owner")
}

// plant makes an organization with a tenant.
func (s *server) plant(t *testing.T, name string) {
	t.Helper()
	pool, err := postgres.Open(s.database.AppURL, postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	organization, err := bootstrap.CreateOrganization(t.Context(), pool, name)
	require.NoError(t, err)
	workspace, err := bootstrap.CreateWorkspace(t.Context(), pool, organization, "production")
	require.NoError(t, err)
	_, err = bootstrap.CreateTenant(t.Context(), pool, organization, workspace, "shop")
	require.NoError(t, err)
}

func (s *server) run(t *testing.T) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	listen, admin := stacktest.FreeAddress(t), stacktest.FreeAddress(t)
	s.cert = stacktest.NewCertificate(t)
	if s.config == "" {
		s.config = stacktest.Config(t, "queryserver.yaml")
	}
	s.url, s.admin = "https://"+listen, "http://"+admin
	s.environment = append(s.environment,
		"TELEMETRYFLOW_POSTGRES_URL="+s.database.AppURL, "TELEMETRYFLOW_REDIS_URL="+s.redis.URL,
		"TELEMETRYFLOW_MASTER_KEY="+base64.StdEncoding.EncodeToString(key),
		"TELEMETRYFLOW_TLS_CERT_FILE="+s.cert.CertFile, "TELEMETRYFLOW_TLS_KEY_FILE="+s.cert.KeyFile,
		"TELEMETRYFLOW_QUERY_LISTEN="+listen, "TELEMETRYFLOW_QUERY_ADMIN="+admin,
		"TELEMETRYFLOW_SMTP_HOST="+s.sink.Host, "TELEMETRYFLOW_SMTP_PORT="+strconv.Itoa(s.sink.Port),
		"TELEMETRYFLOW_SMTP_CA_FILE="+s.sink.CAFile, "TELEMETRYFLOW_MAIL_FROM=telemetryflow@example.com",
	)
	s.Process = stacktest.Run(t, stacktest.Program(t, "telemetryflow"), s.environment, "queryserver", "--config", s.config)
	s.AwaitOK(t, s.admin+"/readyz")
}

// create makes a user as an operator does.
func (s *server) create(t *testing.T, email, role string) string {
	t.Helper()
	return s.createIn(t, "acme", email, role)
}

func (s *server) createIn(t *testing.T, organization, email, role string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"),
		"user", "create", email, "--organization", organization, "--role", role, "--postgres-url", s.database.AppURL)
	command.Env, command.Stdin = os.Environ(), strings.NewReader(secret+"\n")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return strings.TrimSpace(string(output))
}

// client is a caller with its credential.
type client struct {
	*http.Client
	base, bearer string
}

// ask sends a request and reads a JSON answer into what is not nil.
func (c *client) ask(t *testing.T, method, path string, body, into any) (status int, header http.Header) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, c.base+path, reader)
	require.NoError(t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	request.Header.Set("X-Requested-With", "test")
	request.Header.Set("Origin", c.base)
	response, err := c.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(text, into), "%s", text)
	}
	t.Logf("%s %s: %d %.200s", method, path, response.StatusCode, text)
	return response.StatusCode, response.Header
}

type session struct {
	AccessToken, RefreshToken, TempToken string
	MFARequired                          bool
}

func (s *server) client(t *testing.T) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &client{Client: &http.Client{Transport: s.cert.Client().Transport, Jar: jar, Timeout: time.Minute}, base: s.url}
}

func (s *server) login(t *testing.T, email string) *client {
	t.Helper()
	c := s.client(t)
	var got session
	status, _ := c.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret}, &got)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, got.AccessToken)
	c.bearer = got.AccessToken
	return c
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.client(t)
	status, header := c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusUnauthorized, status)
	require.NotEmpty(t, header.Get("WWW-Authenticate"))
	status, _ = c.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": "wrong"}, nil)
	require.Equal(t, http.StatusUnauthorized, status)

	c = s.login(t, email)
	var me struct {
		Kind        string
		Permissions []string
	}
	status, _ = c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "user", me.Kind)
	require.Contains(t, me.Permissions, "users:write")

	var users struct {
		Items []struct{ UserID, Email string }
	}
	status, _ = c.ask(t, http.MethodGet, "/api/v2/users", nil, &users)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, users.Items, 1)
	status, _ = c.ask(t, http.MethodPost, "/api/v2/auth/logout", nil, nil)
	require.Less(t, status, 300)
	status, _ = c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
	require.Equal(t, http.StatusUnauthorized, status)

	var set struct{ Keys []map[string]string }
	status, header = s.client(t).ask(t, http.MethodGet, "/.well-known/jwks.json", nil, &set)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, header.Get("Cache-Control"), "max-age=1800")
	require.NotEmpty(t, set.Keys)
	require.Equal(t, "EdDSA", set.Keys[0]["alg"])
	require.NotContains(t, set.Keys[0], "d", "the private half")
	for _, path := range []string{"/openapi.json", "/docs"} {
		status, _ = s.client(t).ask(t, http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusOK, status, path)
	}
	s.Stop()
	require.True(t, s.Cmd.ProcessState.Success(), "SIGTERM is an orderly end: %s", s.Output())
	require.NotContains(t, s.Output(), secret)
}

// The first minutes of an installation: the link that the server prints, a form, and a
// session by cookie.
func TestServer_FirstRun(t *testing.T) {
	t.Parallel()
	s := launch(t)
	link := s.setupLink(t)
	browser := s.browser(t)
	require.Contains(t, browser.get(t, link), "first user")
	form := url.Values{"organization": {"Acme"}, "email": {email}, "name": {"Ada"}, "password": {"short"}}
	require.Contains(t, browser.post(t, link, form), "role=\"alert\"")
	form.Set("password", secret)
	require.Contains(t, browser.post(t, link, form), "logged in as Ada")
	require.Contains(t, browser.post(t, link, form), "not any more", "once")
	require.Contains(t, browser.post(t, s.url+"/logout", nil), "Log in")
	require.Contains(t, browser.get(t, s.url+"/"), "Log in")
	require.Contains(t, browser.login(t, email), "logged in as Ada")
}

// Rule 26: what a user may do ends within 5 s, also while Redis is gone.
func TestServer_RoleIsTakenAway(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := s.create(t, "bob@example.com", "Administrator")
	owner, bob := s.login(t, email), s.login(t, "bob@example.com")
	status, _ := bob.ask(t, http.MethodGet, "/api/v2/users", nil, nil)
	require.Equal(t, http.StatusOK, status)
	s.redis.Stop()
	status, _ = owner.ask(t, http.MethodPatch, "/api/v2/users/"+id, map[string]any{"enabled": false}, nil)
	require.Less(t, status, 300)
	require.Eventually(t, func() bool {
		status, _ := bob.ask(t, http.MethodGet, "/api/v2/users", nil, nil)
		return status == http.StatusUnauthorized
	}, 5*time.Second, 50*time.Millisecond)
}

// ASVS 8.2.1, 15.3.3: nobody gives, makes or takes what he does not have himself.
func TestServer_NoEscalation(t *testing.T) {
	t.Parallel()
	s := start(t)
	bobID := s.create(t, "bob@example.com", "Administrator")
	owner, bob := s.login(t, email), s.login(t, "bob@example.com")
	var me struct{ ID, TenantID string }
	status, _ := owner.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	require.Equal(t, http.StatusOK, status)

	at := "/api/v2/users/" + bobID + "/tenants/" + me.TenantID + "/roles/"
	for name, refused := range map[string]struct {
		method, path string
		body         any
	}{
		"the role Owner for himself": {http.MethodPut, at + ownerRole, nil},
		"the Owner's role away":      {http.MethodDelete, "/api/v2/users/" + me.ID + "/tenants/" + me.TenantID + "/roles/" + ownerRole, nil},
		"the Owner disabled":         {http.MethodPatch, "/api/v2/users/" + me.ID, map[string]any{"enabled": false}},
		"the Owner deleted":          {http.MethodDelete, "/api/v2/users/" + me.ID, nil},
		"a role with more": {http.MethodPost, "/api/v2/roles", map[string]any{
			"name": "More", "permissions": []string{"sso:write"}}},
		"a service account with more": {http.MethodPost, "/api/v2/service-accounts", map[string]any{
			"name": "more", "roles": []map[string]any{{"roleId": ownerRole, "tenantId": me.TenantID}}}},
	} {
		status, _ := bob.ask(t, refused.method, refused.path, refused.body, nil)
		require.Equal(t, http.StatusForbidden, status, name)
	}
	status, _ = bob.ask(t, http.MethodPut, at+viewerRole, nil, nil)
	require.Less(t, status, 300, "what he has himself")
	var key struct{ KeyID, Secret string }
	status, _ = bob.ask(t, http.MethodPost, "/api/v2/api-keys", map[string]any{"name": "k", "permissions": []string{"logs:write"}}, &key)
	require.Equal(t, http.StatusCreated, status)
	require.NotEmpty(t, key.Secret)
}
