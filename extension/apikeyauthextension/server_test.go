package apikeyauthextension

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// bundle is an extension on a database with one tenant.
type bundle struct {
	extension *serverExtension
	admin     *keyadmin.Admin
	pool      *postgres.Pool
	database  *testkit.PostgresDatabase

	organization, workspace, tenant tenant.ID
}

// setup starts an extension. Redis may be "".
func setup(t testing.TB, redisURL string, change ...func(*ServerConfig)) *bundle {
	t.Helper()
	b := &bundle{database: testkit.Postgres(t)}
	ctx := context.Background()
	var err error
	b.pool, err = postgres.Open(b.database.AppURL, postgres.App)
	require.NoError(t, err)
	t.Cleanup(b.pool.Close)
	b.organization, err = bootstrap.CreateOrganization(ctx, b.pool, "acme")
	require.NoError(t, err)
	b.workspace, err = bootstrap.CreateWorkspace(ctx, b.pool, b.organization, "shop")
	require.NoError(t, err)
	b.tenant, err = bootstrap.CreateTenant(ctx, b.pool, b.organization, b.workspace, "checkout")
	require.NoError(t, err)
	b.admin = keyadmin.New(b.pool, "test")
	b.extension = start(t, b.database.IngestURL, redisURL, change...)
	return b
}

func start(t testing.TB, postgresURL, redisURL string, change ...func(*ServerConfig)) *serverExtension {
	t.Helper()
	config := createDefaultConfig().(*Config)
	server := config.Server.GetOrInsertDefault()
	server.Postgres.URL = configopaque.String(postgresURL)
	server.Redis.URL = configopaque.String(redisURL)
	for _, c := range change {
		c(server)
	}
	require.NoError(t, server.Validate())
	made, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(NewFactory().Type()), config)
	require.NoError(t, err)
	extension := made.(*serverExtension)
	require.NoError(t, extension.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, extension.Shutdown(context.Background())) })
	return extension
}

func (b *bundle) key(t testing.TB, kind keyadmin.Kind, binding tenant.ID, limit int) apikey.Credential {
	t.Helper()
	_, credential, err := b.admin.Create(context.Background(), keyadmin.NewKey{
		Name: "test", Kind: kind, Binding: binding, Permissions: []tenant.Permission{tenant.TracesWrite},
		Limits: keyadmin.Limits{RequestsPerMinute: limit},
	})
	require.NoError(t, err)
	return credential
}

func headers(credential apikey.Credential) map[string][]string {
	return map[string][]string{"X-Api-Key-Id": {credential.ID.String()}, "X-Api-Key-Secret": {credential.Secret}}
}

func judge(auth extensionauth.Server, credential apikey.Credential) codes.Code {
	_, err := auth.Authenticate(context.Background(), headers(credential))
	return status.Code(err)
}

// soon is the time within which a change must reach a running collector.
const soon = 5 * time.Second

func requireSoon(t *testing.T, auth extensionauth.Server, credential apikey.Credential, want codes.Code) {
	t.Helper()
	require.Eventually(t, func() bool { return judge(auth, credential) == want }, soon, 10*time.Millisecond)
}

func TestServer_Authenticate(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	credential := b.key(t, keyadmin.Tenant, b.tenant, 1000)

	t.Run("OK", func(t *testing.T) {
		address := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}
		ctx := client.NewContext(t.Context(), client.Info{Addr: address, Metadata: client.NewMetadata(map[string][]string{"kept": {"yes"}})})
		other := tenant.ID{15: 9}
		sources := headers(credential)
		sources["x-tenant-id"] = []string{other.String()}
		next, err := b.extension.Authenticate(ctx, sources)
		require.NoError(t, err)
		info := client.FromContext(next)
		require.Equal(t, address, info.Addr)
		require.Equal(t, []string{"yes"}, info.Metadata.Get("kept"))
		auth := info.Auth.(*tenant.Auth)
		require.Equal(t, credential.ID.String(), auth.Principal.KeyID())
		require.True(t, auth.Principal.Allows(tenant.TracesWrite))
		require.False(t, auth.Principal.Allows(tenant.LogsWrite))
		require.Equal(t, tenant.Choice{Tenant: other}, auth.Choice, "the caller's choice is carried, not judged, here")
		scope, err := auth.Principal.Resolve(tenant.Choice{})
		require.NoError(t, err)
		require.Equal(t, tenant.Scope{Workspace: b.workspace, Tenant: b.tenant}, scope)
		limits, limited := apikey.RateLimitFromContext(next)
		require.True(t, limited)
		require.Equal(t, 1000, limits.Limit)
	})
	t.Run("OK forms", func(t *testing.T) {
		id, secret := credential.ID.String(), credential.Secret
		for _, sources := range []map[string][]string{
			{"x-api-key-id": {id}, "x-api-key-secret": {secret}},
			{"X-TelemetryFlow-Key-ID": {id}, "X-TelemetryFlow-Key-Secret": {secret}},
			{"Authorization": {"Bearer " + id + ":" + secret}},
			{"authorization": {"bearer " + id + "." + secret}},
		} {
			_, err := b.extension.Authenticate(t.Context(), sources)
			require.NoError(t, err, sources)
		}
	})
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		unknown := apikey.NewCredential()
		for name, sources := range map[string]map[string][]string{
			"none": {}, "unknown": headers(unknown),
			"wrong secret": headers(apikey.Credential{ID: credential.ID, Secret: unknown.Secret}),
			"no secret":    {"x-api-key-id": {credential.ID.String()}},
			"garbage":      {"authorization": {"Bearer \x00\xff"}},
			"huge":         {"authorization": {"Bearer " + strings.Repeat("a", 1<<20)}},
		} {
			_, err := b.extension.Authenticate(t.Context(), sources)
			require.Equal(t, apikey.ErrUnauthenticated, err, "%s: one constant answer", name)
		}
	})
	t.Run("ErrInvalidChoice", func(t *testing.T) {
		sources := headers(credential)
		sources["X-Tenant-Id"] = []string{"default"}
		_, err := b.extension.Authenticate(t.Context(), sources)
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	})
	t.Run("ErrExpired", func(t *testing.T) {
		at := time.Now().Add(200 * time.Millisecond)
		_, expiring, err := b.admin.Create(t.Context(), keyadmin.NewKey{Name: "short", Kind: keyadmin.Tenant, Binding: b.tenant, Permissions: []tenant.Permission{tenant.LogsWrite}, ExpiresAt: &at})
		require.NoError(t, err)
		requireSoon(t, b.extension, expiring, codes.Unauthenticated)
		require.False(t, time.Now().Before(at))
	})
}

// A change reaches a running collector in time, with Redis and without.
func TestServer_Changes(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"RedisUp": false, "RedisDown": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testkit.Redis(t)
			b := setup(t, redis.URL)
			if down {
				redis.Stop()
			}
			revoked := b.key(t, keyadmin.Tenant, b.tenant, 0)
			rotated := b.key(t, keyadmin.Tenant, b.tenant, 0)
			wide := b.key(t, keyadmin.Organization, b.organization, 0)
			for _, credential := range []apikey.Credential{revoked, rotated, wide} {
				require.Equal(t, codes.OK, judge(b.extension, credential))
			}
			_, err := b.admin.Revoke(t.Context(), revoked.ID)
			require.NoError(t, err)
			requireSoon(t, b.extension, revoked, codes.Unauthenticated)

			_, renewed, err := b.admin.Rotate(t.Context(), rotated.ID, time.Hour)
			require.NoError(t, err)
			requireSoon(t, b.extension, renewed, codes.OK)
			require.Equal(t, codes.OK, judge(b.extension, rotated), "within the grace")
			_, last, err := b.admin.Rotate(t.Context(), rotated.ID, 0)
			require.NoError(t, err)
			requireSoon(t, b.extension, last, codes.OK)
			require.Equal(t, codes.Unauthenticated, judge(b.extension, rotated), "there is no grace for it any more")

			added, err := bootstrap.CreateTenant(t.Context(), b.pool, b.organization, b.workspace, "added later")
			require.NoError(t, err)
			covers := func() bool {
				next, err := b.extension.Authenticate(t.Context(), headers(wide))
				if err != nil {
					return false
				}
				_, err = client.FromContext(next).Auth.(*tenant.Auth).Principal.Resolve(tenant.Choice{Tenant: added})
				return err == nil
			}
			require.Eventually(t, covers, soon, 10*time.Millisecond, "a wide key covers a new tenant")
			require.NoError(t, bootstrap.DeleteTenant(t.Context(), b.pool, b.organization, added))
			require.Eventually(t, func() bool { return !covers() }, soon, 10*time.Millisecond)

			require.NoError(t, bootstrap.DeleteOrganization(t.Context(), b.pool, b.organization))
			requireSoon(t, b.extension, wide, codes.Unauthenticated)
		})
	}
}

// While PostgreSQL cannot be reached, known keys work and others are told to come
// again; a collector starts without it.
func TestServer_PostgresDown(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	gate := newGate(t, b.database.IngestURL)
	extension := start(t, gate.url, "")
	known, unknown := b.key(t, keyadmin.Tenant, b.tenant, 0), b.key(t, keyadmin.Tenant, b.tenant, 0)
	require.Equal(t, codes.Unavailable, judge(extension, known), "the store was never reached")
	gate.open()
	// The feed still tells of the key's creation: what is read before is read again.
	require.Eventually(t, func() bool { return !extension.engine.CaughtUp().IsZero() }, soon, 10*time.Millisecond)
	requireSoon(t, extension, known, codes.OK)
	gate.close()
	require.Equal(t, codes.OK, judge(extension, known))
	require.Equal(t, codes.Unavailable, judge(extension, unknown))
	require.Equal(t, codes.Unauthenticated, judge(extension, apikey.Credential{ID: known.ID, Secret: unknown.Secret}))
	gate.open()
	requireSoon(t, extension, unknown, codes.OK)
}

func TestServer_RateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	credential := b.key(t, keyadmin.Tenant, b.tenant, 50)
	passed := 0
	for range 100 {
		_, err := b.extension.Authenticate(t.Context(), headers(credential))
		if err == nil {
			passed++
			continue
		}
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
		limits, limited := apikey.RateLimitFromError(err)
		require.True(t, limited)
		require.Equal(t, 50, limits.Limit)
		require.Zero(t, limits.Remaining)
		require.True(t, limits.Reset.After(time.Now()))
	}
	require.InDelta(t, 50, passed, 5)
}

// A hundred wrong secrets at once use neither more than their share of the
// processor nor the time of good requests.
func TestServer_WrongSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	good := b.key(t, keyadmin.Tenant, b.tenant, 0)
	require.Equal(t, codes.OK, judge(b.extension, good))
	quiet := median(t, b.extension, good)

	stop := make(chan struct{})
	var flood sync.WaitGroup
	victim := b.key(t, keyadmin.Tenant, b.tenant, 0) // its HMAC is not known: each wrong secret is a cold one
	for range 100 {
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = judge(b.extension, apikey.Credential{ID: victim.ID, Secret: apikey.NewSecret()})
				}
			}
		})
	}
	stats := &b.extension.engine.Stats
	require.Eventually(t, func() bool { return stats.Argon2Wrong.Load() > 3 }, 10*time.Second, time.Millisecond)
	flooded := median(t, b.extension, good)
	close(stop)
	flood.Wait()
	t.Logf("median of good requests: %s quiet, %s flooded", quiet, flooded)
	// Both are a few microseconds: below 50 the machine's noise is larger than they.
	require.Less(t, flooded, max(2*quiet, 50*time.Microsecond))
	require.LessOrEqual(t, stats.Argon2Peak.Load(), int64(max(1, b.extension.config.Verification.MaxConcurrent)))
}

func median(t *testing.T, auth extensionauth.Server, credential apikey.Credential) time.Duration {
	t.Helper()
	taken := make([]time.Duration, 2001)
	sources := headers(credential)
	for i := range taken {
		begin := time.Now()
		_, err := auth.Authenticate(t.Context(), sources)
		taken[i] = time.Since(begin)
		require.NoError(t, err)
	}
	slices.Sort(taken)
	return taken[len(taken)/2]
}

// gate stands before PostgreSQL and lets connections through while it is open.
type gate struct {
	url    string
	mu     sync.Mutex
	isOpen bool
	conns  []net.Conn
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	config, err := pgx.ParseConfig(target)
	require.NoError(t, err)
	g := &gate{}
	port := strconv.Itoa(int(config.Port))
	network, address := "tcp", net.JoinHostPort(config.Host, port)
	if strings.HasPrefix(config.Host, "/") {
		network, address = "unix", config.Host+"/.s.PGSQL."+port
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close(); g.close() })
	g.url = "postgres://" + config.User + "@" + listener.Addr().String() + "/" + config.Database + "?sslmode=disable"
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.serve(conn, network, address)
		}
	}()
	return g
}

func (g *gate) serve(conn net.Conn, network, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isOpen {
		_ = conn.Close()
		return
	}
	upstream, err := net.Dial(network, address)
	if err != nil {
		_ = conn.Close()
		return
	}
	g.conns = append(g.conns, conn, upstream)
	go func() { _, _ = io.Copy(upstream, conn); _ = upstream.Close() }()
	go func() { _, _ = io.Copy(conn, upstream); _ = conn.Close() }()
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOpen = true
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOpen = false
	for _, conn := range g.conns {
		_ = conn.Close()
	}
	g.conns = nil
}
