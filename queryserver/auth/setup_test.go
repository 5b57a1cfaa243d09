package auth_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	library "github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	base "github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/mail"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

const (
	email  = "ada@example.com"
	secret = "a harbour in winter fog"
)

// world is a service over a real PostgreSQL, with a real mail server and a user.
type world struct {
	*auth.Service
	store        *postgres.Store
	database     *testkit.PostgresDatabase
	sink         *smtptest.Sink
	hasher       *password.Hasher
	organization tenant.ID
	tenant       tenant.Scope
	user         queryserver.UserRef
	clock        *atomic.Int64 // added to the time, in nanoseconds
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.clock.Load())) }

// later moves the clock of the service, not that of PostgreSQL.
func (w *world) later(d time.Duration) { w.clock.Add(int64(d)) }

var client = queryserver.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "Firefox", RequestID: "r1"}

func setup(t *testing.T, change func(*auth.Settings)) *world {
	t.Helper()
	w := &world{database: testkit.Postgres(t), sink: smtptest.Start(t), clock: &atomic.Int64{}}
	pool, err := base.Open(w.database.AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	w.store = postgres.New(pool)
	hashing := password.DefaultSettings()
	hashing.QueueTimeout = time.Minute // machines that run tests are slow at times
	hashing.GuessRest = 0              // the tests guess often
	w.hasher, err = password.NewHasher(hashing)
	require.NoError(t, err)
	w.fill(t, pool)

	settings := auth.DefaultSettings()
	settings.PublicURL = "https://telemetry.example.com"
	if change != nil {
		change(&settings)
	}
	w.Service, err = auth.New(settings, w.dependencies(t, hashing))
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

func (w *world) fill(t *testing.T, pool *base.Pool) {
	t.Helper()
	var err error
	w.organization, err = bootstrap.CreateOrganization(t.Context(), pool, "acme")
	require.NoError(t, err)
	w.tenant.Workspace, err = bootstrap.CreateWorkspace(t.Context(), pool, w.organization, "production")
	require.NoError(t, err)
	w.tenant.Tenant, err = bootstrap.CreateTenant(t.Context(), pool, w.organization, w.tenant.Workspace, "shop")
	require.NoError(t, err)
	hash, err := w.hasher.Hash(t.Context(), secret)
	require.NoError(t, err)
	w.user, err = w.store.CreateUser(t.Context(), queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, client, w.organization, email, "Ada", hash,
		[]queryserver.Assignment{{Role: queryserver.RoleOwner, Tenant: w.tenant.Tenant}})
	require.NoError(t, err)
}

func (w *world) dependencies(t *testing.T, hashing password.Settings) auth.Dependencies {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	policy, err := password.NewPolicy(hashing)
	require.NoError(t, err)
	sealer, err := seal.New(seal.Settings{Keys: []seal.KeySettings{{ID: "k1", Key: randomKey()}}})
	require.NoError(t, err)
	tokens := jwt.DefaultSettings()
	tokens.Issuer, tokens.Audience, tokens.Now = "https://telemetry.example.com", "telemetryflow", w.now
	ring, err := jwt.NewRing(t.Context(), w.store.SigningKeys(), sealer, tokens, logger)
	require.NoError(t, err)
	sending := mail.DefaultSettings()
	sending.Host, sending.Port, sending.CAFile, sending.From = w.sink.Host, w.sink.Port, w.sink.CAFile, "telemetryflow@example.com"
	mailer, err := mail.New(sending, logger)
	require.NoError(t, err)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return auth.Dependencies{
		Store: w.store, Authority: w.store, Hasher: w.hasher, Policy: policy, Sealer: sealer, Tokens: jwt.New(ring), Mailer: mailer,
		AccountKey: key, Logger: logger, Now: w.now,
	}
}

func (w *world) login(t *testing.T, password, device string) (*queryserver.LoginResult, error) {
	t.Helper()
	return w.Login(t.Context(), queryserver.LoginAttempt{Email: email, Password: password, Device: device, Client: client})
}

// in logs in with tokens.
func (w *world) in(t *testing.T) *queryserver.OpenedSession {
	t.Helper()
	result, err := w.login(t, secret, "")
	require.NoError(t, err)
	require.NotNil(t, result.Session)
	return result.Session
}

func (w *world) call(t *testing.T, session *queryserver.OpenedSession) *queryserver.Call {
	t.Helper()
	call, err := w.ByAccessToken(t.Context(), session.Tokens.Access, client)
	require.NoError(t, err)
	return call
}

// enroll sets up a second factor and returns its secret and recovery codes.
func (w *world) enroll(t *testing.T) (seed string, codes []string) {
	t.Helper()
	enrollment, err := w.BeginMFA(t.Context(), w.user)
	require.NoError(t, err)
	codes, err = w.ConfirmMFA(t.Context(), w.user, w.code(t, enrollment.Secret), client)
	require.NoError(t, err)
	w.later(30 * time.Second) // the code is used
	return enrollment.Secret, codes
}

// code is what an authenticator app shows.
func (w *world) code(t *testing.T, seed string) string {
	t.Helper()
	code, err := library.GenerateCodeCustom(seed, w.now(), library.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	require.NoError(t, err)
	return code
}

func requireCode(t *testing.T, code queryserver.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, queryserver.CodeOf(err), err)
}

// atOnce runs tries side by side, and says how many succeeded.
func atOnce(ctx context.Context, n int, try func(context.Context) bool) int {
	var succeeded atomic.Int32
	var running sync.WaitGroup
	start := make(chan struct{})
	for range n {
		running.Go(func() {
			<-start
			if try(ctx) {
				succeeded.Add(1)
			}
		})
	}
	close(start)
	running.Wait()
	return int(succeeded.Load())
}

func randomKey() (key configopaque.String) {
	var random [32]byte
	_, _ = rand.Read(random[:])
	return configopaque.String(base64.StdEncoding.EncodeToString(random[:]))
}
