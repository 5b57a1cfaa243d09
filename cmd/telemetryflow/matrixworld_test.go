package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// worldPassword is that of all users.
const worldPassword = "a harbour in winter fog"

// world is a query server over a real PostgreSQL and Redis, with two organizations.
type world struct {
	*queryServer
	base         string
	hash         string // of worldPassword
	redis        *testkit.RedisServer
	ours, theirs *estate
	keys         *keyadmin.Admin
}

// estate is an organization with one thing of each kind. The canary is in every name.
type estate struct {
	*world
	canary       string
	operator     *queryserver.Call
	organization tenant.ID
	shop, lab    tenant.Scope // tenants, each in a workspace of its own
	user         queryserver.UserRef
	session      tenant.ID // of the user
	role         tenant.ID // of the organization's own
	account      tenant.ID
	token        tenant.ID // of the account
	key          apikey.Credential
}

func newWorld(t *testing.T) *world {
	t.Helper()
	database := testkit.Postgres(t)
	return newWorldAt(t, database.AppURL)
}

// newWorldAt is one whose database is reached by a URL.
func newWorldAt(t *testing.T, url string) *world {
	t.Helper()
	w := &world{redis: testkit.Redis(t)}
	server, err := newQueryServer(t.Context(), w.settings(t, url), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { server.close(context.Background()) })
	require.NoError(t, server.start(t.Context()))
	w.queryServer, w.base = server, "http://"+server.http.PublicAddr().String()
	w.keys = keyadmin.New(server.pool, "test")
	hasher, err := password.NewHasher(server.config.Password)
	require.NoError(t, err)
	w.hash, err = hasher.Hash(t.Context(), worldPassword)
	require.NoError(t, err)
	w.ours, w.theirs = w.estate(t, "heron"), w.estate(t, "zebra")
	return w
}

func (w *world) settings(t *testing.T, database string) *queryServerConfig {
	t.Helper()
	master := make([]byte, 32)
	_, _ = rand.Read(master)
	config := defaultQueryServerConfig()
	config.Secrets = seal.Settings{Keys: []seal.KeySettings{{ID: "main", Key: configopaque.String(base64.StdEncoding.EncodeToString(master))}}}
	config.HTTP.Limits.PublicPerMinute = 0 // the tests are one network
	config.HTTP.Listen, config.HTTP.Admin, config.HTTP.InsecureCookies = "127.0.0.1:0", "127.0.0.1:0", true
	config.Postgres.URL, config.Redis.URL = configopaque.String(database), configopaque.String(w.redis.URL)
	config.Password.QueueTimeout = time.Minute // machines that run tests are slow at times
	require.NoError(t, config.complete())
	require.NoError(t, config.validate())
	return config
}

// fresh ends a name that nothing else has.
func fresh() string {
	var random [6]byte
	_, _ = rand.Read(random[:])
	return hex.EncodeToString(random[:])
}

func (w *world) estate(t *testing.T, canary string) *estate {
	t.Helper()
	ctx, e := t.Context(), &estate{world: w, canary: canary}
	var err error
	e.organization, err = bootstrap.CreateOrganization(ctx, w.pool, canary)
	require.NoError(t, err)
	for name, scope := range map[string]*tenant.Scope{canary + " shop": &e.shop, canary + " lab": &e.lab} {
		scope.Workspace, err = bootstrap.CreateWorkspace(ctx, w.pool, e.organization, name)
		require.NoError(t, err)
		scope.Tenant, err = bootstrap.CreateTenant(ctx, w.pool, e.organization, scope.Workspace, name)
		require.NoError(t, err)
	}
	e.operator = &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, Scope: queryserver.NewScope(e.organization, tenant.Scope{}, nil),
	}
	e.newUser(t, queryserver.RoleOwner) // so that an Owner is left whoever goes
	e.user = e.newUser(t, queryserver.RoleViewer)
	e.session = e.newSession(t, e.user, time.Hour).id
	e.role = e.newRole(t)
	e.account = e.newAccount(t, queryserver.RoleViewer)
	e.token, _ = e.newToken(t, e.account, time.Hour)
	e.key = e.newKey(t, keyadmin.Tenant, e.shop.Tenant, tenant.LogsWrite)
	e.newKey(t, keyadmin.Organization, e.organization, tenant.LogsWrite) // which both tenants see
	return e
}

// everywhere is a role in both tenants.
func (e *estate) everywhere(role tenant.ID) []queryserver.Assignment {
	return []queryserver.Assignment{{Role: role, Tenant: e.shop.Tenant}, {Role: role, Tenant: e.lab.Tenant}}
}

func (e *estate) newUser(t *testing.T, role tenant.ID) queryserver.UserRef {
	t.Helper()
	return e.newUserWith(t, e.everywhere(role)...)
}

func (e *estate) newUserWith(t *testing.T, roles ...queryserver.Assignment) queryserver.UserRef {
	t.Helper()
	name := e.canary + "-" + fresh()
	user, err := e.store.CreateUser(t.Context(), e.operator.Subject, queryserver.Client{}, e.organization, name+"@example.com", name, e.hash, roles)
	require.NoError(t, err)
	return user
}

// opened is a session with all that it can be called by.
type opened struct {
	id                      tenant.ID
	cookie, access, refresh string
}

// newSession opens a session in the shop that lives so long.
func (e *estate) newSession(t *testing.T, user queryserver.UserRef, life time.Duration) opened {
	t.Helper()
	return e.newSessionIn(t, user, e.shop, life)
}

func (e *estate) newSessionIn(t *testing.T, user queryserver.UserRef, in tenant.Scope, life time.Duration) opened {
	t.Helper()
	cookie, refresh := token.New(token.Session), token.New(token.Refresh)
	expires := time.Now().Add(life)
	id, _, err := e.store.OpenSession(t.Context(), user, &queryserver.NewSession{
		Tenant: in.Tenant, Cookie: queryserver.Hash(cookie.Hash()), Refresh: queryserver.Hash(refresh.Hash()),
		Device: queryserver.Hash(token.New(token.Device).Hash()), Methods: []string{"pwd"}, RefreshExpires: expires, Expires: expires,
	})
	require.NoError(t, err)
	access, _, err := e.logins.Tokens.Issue(jwt.Claims{
		Subject: user.User, Session: id, Organization: user.Organization, Workspace: in.Workspace, Tenant: in.Tenant,
	})
	require.NoError(t, err)
	return opened{id: id, cookie: cookie.Reveal(), access: access, refresh: refresh.Reveal()}
}

// newRole reads, and sees one service only.
func (e *estate) newRole(t *testing.T) tenant.ID {
	t.Helper()
	role := &queryserver.Role{
		Name: e.canary + "-" + fresh(), Permissions: []queryserver.Permission{queryserver.MetricsRead, queryserver.LogsRead, queryserver.UsersRead},
		Filter: []queryserver.Predicate{{Dimension: "service", Values: []string{"checkout"}}},
	}
	require.NoError(t, e.store.CreateRole(t.Context(), e.operator, role))
	return role.ID
}

func (e *estate) newAccount(t *testing.T, role tenant.ID) tenant.ID {
	t.Helper()
	id, err := e.store.CreateServiceAccount(t.Context(), e.operator, e.canary+"-"+fresh(), e.everywhere(role))
	require.NoError(t, err)
	return id
}

func (e *estate) newToken(t *testing.T, account tenant.ID, life time.Duration) (id tenant.ID, secret string) {
	t.Helper()
	expires := time.Now().Add(life)
	made := &queryserver.Token{Name: e.canary, ExpiresAt: &expires}
	secret, err := e.logins.CreateServiceToken(t.Context(), e.operator, account, made)
	require.NoError(t, err)
	return made.ID, secret
}

func (e *estate) newKey(t *testing.T, kind keyadmin.Kind, binding tenant.ID, permissions ...tenant.Permission) apikey.Credential {
	t.Helper()
	_, credential, err := e.keys.Create(t.Context(), keyadmin.NewKey{Name: e.canary, Kind: kind, Binding: binding, Permissions: permissions})
	require.NoError(t, err)
	return credential
}

// client follows no redirects.
func (w *world) client() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
