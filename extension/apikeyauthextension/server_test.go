package apikeyauthextension

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// bundle is an extension on a database with one tenant.
type bundle struct {
	*apikeytest.World
	extension *serverExtension
}

// setup starts an extension. Redis may be "".
func setup(t testing.TB, redisURL string) *bundle {
	t.Helper()
	world := apikeytest.NewWorld(t)
	return &bundle{World: world, extension: start(t, world.IngestURL, redisURL)}
}

func start(t testing.TB, postgresURL, redisURL string) *serverExtension {
	t.Helper()
	return startWith(t, extensiontest.NewNopSettings(NewFactory().Type()), postgresURL, redisURL)
}

func startWith(t testing.TB, settings extension.Settings, postgresURL, redisURL string) *serverExtension {
	t.Helper()
	config := createDefaultConfig().(*Config)
	server := config.Server.GetOrInsertDefault()
	server.Postgres.URL = configopaque.String(postgresURL)
	server.Redis.URL = configopaque.String(redisURL)
	require.NoError(t, server.Validate())
	made, err := NewFactory().Create(context.Background(), settings, config)
	require.NoError(t, err)
	extension := made.(*serverExtension)
	require.NoError(t, extension.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, extension.Shutdown(context.Background())) })
	return extension
}

// limited makes a key of the tenant with a request limit; 0 is none.
func (b *bundle) limited(t testing.TB, limit int) apikey.Credential {
	t.Helper()
	return b.Key(t, func(key *keyadmin.NewKey) { key.Limits.RequestsPerMinute = limit })
}

// wide makes a key of the whole organization.
func (b *bundle) wide(t testing.TB) apikey.Credential {
	t.Helper()
	return b.Key(t, func(key *keyadmin.NewKey) { key.Kind, key.Binding = keyadmin.Organization, b.Organization })
}

func headers(credential apikey.Credential) map[string][]string {
	return map[string][]string{"X-Api-Key-Id": {credential.ID.String()}, "X-Api-Key-Secret": {credential.Secret}}
}

func judge(auth extensionauth.Server, credential apikey.Credential) codes.Code {
	_, err := auth.Authenticate(context.Background(), headers(credential))
	return status.Code(err)
}

const (
	// promised is the time within which a change must reach a running collector.
	promised = 5 * time.Second
	// soon is how long a test waits for what has no such promise: machines that
	// run tests are slow at times.
	soon = 3 * time.Minute
)

// requireSoon waits for the answer. A refusal must come as promised.
func requireSoon(t *testing.T, auth extensionauth.Server, credential apikey.Credential, want codes.Code) {
	t.Helper()
	began := time.Now()
	require.Eventually(t, func() bool { return judge(auth, credential) == want }, soon, 10*time.Millisecond)
	if want == codes.Unauthenticated {
		require.Less(t, time.Since(began), promised)
	}
}

func TestServer_Authenticate(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	credential := b.limited(t, 1000)

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
		require.Equal(t, tenant.Scope{Workspace: b.Workspace, Tenant: b.Tenant}, scope)
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
		_, expiring, err := b.Admin.Create(t.Context(), keyadmin.NewKey{Name: "short", Kind: keyadmin.Tenant, Binding: b.Tenant, Permissions: []tenant.Permission{tenant.LogsWrite}, ExpiresAt: &at})
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
			revoked := b.Key(t)
			rotated := b.Key(t)
			wide := b.wide(t)
			for _, credential := range []apikey.Credential{revoked, rotated, wide} {
				require.Equal(t, codes.OK, judge(b.extension, credential))
			}
			_, err := b.Admin.Revoke(t.Context(), revoked.ID)
			require.NoError(t, err)
			requireSoon(t, b.extension, revoked, codes.Unauthenticated)

			_, renewed, err := b.Admin.Rotate(t.Context(), rotated.ID, time.Hour)
			require.NoError(t, err)
			requireSoon(t, b.extension, renewed, codes.OK)
			require.Equal(t, codes.OK, judge(b.extension, rotated), "within the grace")
			_, last, err := b.Admin.Rotate(t.Context(), rotated.ID, 0)
			require.NoError(t, err)
			requireSoon(t, b.extension, last, codes.OK)
			require.Equal(t, codes.Unauthenticated, judge(b.extension, rotated), "there is no grace for it any more")

			added, err := bootstrap.CreateTenant(t.Context(), b.Pool, b.Organization, b.Workspace, "added later")
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
			require.NoError(t, bootstrap.DeleteTenant(t.Context(), b.Pool, b.Organization, added))
			require.Eventually(t, func() bool { return !covers() }, soon, 10*time.Millisecond)

			require.NoError(t, bootstrap.DeleteOrganization(t.Context(), b.Pool, b.Organization))
			requireSoon(t, b.extension, wide, codes.Unauthenticated)
		})
	}
}

// While PostgreSQL cannot be reached, known keys work and others are told to come
// again; a collector starts without it.
func TestServer_PostgresDown(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	gate := apikeytest.NewGate(t, b.IngestURL)
	gate.Close()
	extension := start(t, gate.URL, "")
	known, unknown := b.Key(t), b.Key(t)
	require.Equal(t, codes.Unavailable, judge(extension, known), "the store was never reached")
	gate.Open()
	// The feed still tells of the key's creation: what is read before is read again.
	require.Eventually(t, func() bool { return !extension.engine.CaughtUp().IsZero() }, soon, 10*time.Millisecond)
	requireSoon(t, extension, known, codes.OK)
	gate.Close()
	require.Equal(t, codes.OK, judge(extension, known))
	require.Equal(t, codes.Unavailable, judge(extension, unknown))
	require.Equal(t, codes.Unauthenticated, judge(extension, apikeytest.Wrong(known)))
	gate.Open()
	requireSoon(t, extension, unknown, codes.OK)
}

func TestServer_RateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	credential := b.limited(t, 50)
	passed, began := 0, time.Now()
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
	require.GreaterOrEqual(t, passed, 45)
	require.LessOrEqual(t, float64(passed), 50+50*time.Since(began).Minutes()+1, "the limit, and what came back meanwhile")
}
