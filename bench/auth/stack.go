//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	store "github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

// secret is the password of every user.
const secret = "a harbour in winter fog"

// databases are PostgreSQL, which syncs its commits, and Redis.
type databases struct {
	*testkit.PostgresDatabase
	redis *testkit.RedisServer
	pool  *postgres.Pool
	store *store.Store
	hash  string // of secret, by the default parameters
}

func startDatabases(t testing.TB) (*databases, error) {
	t.Helper()
	server := testkit.NewPostgresServer(t, "-c", "fsync=on", "-c", "full_page_writes=on", "-c", "autovacuum=on")
	d := &databases{PostgresDatabase: server.Database, redis: testkit.Redis(t)}
	var err error
	if d.pool, err = postgres.Open(d.AppURL, postgres.App); err != nil {
		return nil, err
	}
	t.Cleanup(d.pool.Close)
	d.store = store.New(d.pool)
	hasher, err := password.NewHasher(password.DefaultSettings())
	if err != nil {
		return nil, err
	}
	d.hash, err = hasher.Hash(t.Context(), secret)
	return d, err
}

// organization is one with a tenant and users, of whom the first is Owner and the others
// are Viewers.
type organization struct {
	id     tenant.ID
	tenant tenant.Scope
	users  []user
}

type user struct {
	queryserver.UserRef
	email string
}

func (d *databases) organization(ctx context.Context, name string, users int) (*organization, error) {
	o := &organization{}
	var err error
	if o.id, err = bootstrap.CreateOrganization(ctx, d.pool, name); err != nil {
		return nil, err
	}
	if o.tenant.Workspace, err = bootstrap.CreateWorkspace(ctx, d.pool, o.id, "production"); err != nil {
		return nil, err
	}
	if o.tenant.Tenant, err = bootstrap.CreateTenant(ctx, d.pool, o.id, o.tenant.Workspace, "shop"); err != nil {
		return nil, err
	}
	by := queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "bench"}
	for i := range users {
		role := queryserver.RoleViewer
		if i == 0 {
			role = queryserver.RoleOwner
		}
		email := fmt.Sprintf("user%d@%s.example.com", i, name)
		ref, err := d.store.CreateUser(ctx, by, queryserver.Client{}, o.id, email, "", d.hash, []queryserver.Assignment{{Role: role, Tenant: o.tenant.Tenant}})
		if err != nil {
			return nil, err
		}
		o.users = append(o.users, user{ref, email})
	}
	return o, nil
}

// server is the real query server.
type server struct {
	*stacktest.Process
	url, admin string
	cert       *stacktest.Certificate
}

func startServer(t testing.TB, d *databases) (*server, error) {
	t.Helper()
	config, err := configuration(t)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	listen, admin := stacktest.FreeAddress(t), stacktest.FreeAddress(t)
	s := &server{url: "https://" + listen, admin: "http://" + admin, cert: stacktest.NewCertificate(t)}
	s.Process = stacktest.Run(t, stacktest.Program(t, "telemetryflow"), []string{
		"TELEMETRYFLOW_POSTGRES_URL=" + d.AppURL, "TELEMETRYFLOW_REDIS_URL=" + d.redis.URL,
		"TELEMETRYFLOW_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key),
		"TELEMETRYFLOW_TLS_CERT_FILE=" + s.cert.CertFile, "TELEMETRYFLOW_TLS_KEY_FILE=" + s.cert.KeyFile,
		"TELEMETRYFLOW_QUERY_LISTEN=" + listen, "TELEMETRYFLOW_QUERY_ADMIN=" + admin,
	}, "queryserver", "--config", config)
	s.AwaitOK(t, s.admin+"/readyz")
	return s, nil
}

// configuration is the shipped one without the rate of public routes by network, because
// all of the load comes from one address.
func configuration(t testing.TB) (string, error) {
	t.Helper()
	shipped, err := os.ReadFile(stacktest.Config(t, "queryserver.yaml"))
	if err != nil {
		return "", fmt.Errorf("read the configuration: %w", err)
	}
	file := filepath.Join(t.TempDir(), "queryserver.yaml")
	text := strings.Replace(string(shipped), "\nhttp:\n", "\nhttp:\n  limits: {public_per_minute: 0}\n", 1)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// client is a caller with connections and cookies of its own.
type client struct {
	http   *http.Client
	base   string
	bearer string
}

// client makes a caller; those of a shared transport share connections.
func (s *server) client(transport http.RoundTripper) (*client, error) {
	jar, err := cookiejar.New(nil)
	return &client{http: &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}, base: s.url}, err
}

// transport keeps so many connections open.
func (s *server) transport(connections int) *http.Transport {
	return &http.Transport{TLSClientConfig: s.cert.TLS(), MaxIdleConnsPerHost: connections}
}

// ask sends a request and says how it was answered and after how long.
func (c *client) ask(ctx context.Context, method, path string, body, into any) (status int, took time.Duration, err error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, 0, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return 0, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Requested-With", "bench")
	request.Header.Set("Origin", c.base)
	if c.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	began := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	took = time.Since(began)
	if err == nil && into != nil && response.StatusCode < http.StatusMultipleChoices {
		err = json.Unmarshal(text, into)
	}
	return response.StatusCode, took, err
}

// login logs in, which must succeed, and says how long it took.
func (c *client) login(ctx context.Context, email string) (time.Duration, error) {
	c.bearer = ""
	var got struct{ AccessToken string }
	status, took, err := c.ask(ctx, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret}, &got)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("a login was answered %d", status)
	}
	c.bearer = got.AccessToken
	return took, err
}
