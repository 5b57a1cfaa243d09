//go:build linux

package queryserver

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
)

// requestLimit is the server's limit of a request in these tests, its body included.
const requestLimit = 4 * time.Second

// breakable is a server whose PostgreSQL may be killed.
func breakable(t *testing.T) (*server, *testkit.PostgresServer) {
	t.Helper()
	database := testkit.NewPostgresServer(t)
	s := &server{database: database.Database, redis: testkit.Redis(t), sink: smtptest.Start(t)}
	s.fill(t)
	shipped, err := os.ReadFile(stacktest.Config(t, "queryserver.yaml"))
	require.NoError(t, err)
	s.config = filepath.Join(t.TempDir(), "queryserver.yaml")
	text := strings.Replace(string(shipped), "\nhttp:\n", "\nhttp:\n  limits: {request_timeout: 3s, body_timeout: 1s, public_per_minute: 0}\n", 1)
	require.NoError(t, os.WriteFile(s.config, []byte(text), 0o600))
	s.run(t)
	return s, database
}

// ASVS 16.5.2: whatever is gone, nothing is allowed that should not be, and nobody who is
// proved is told that he is not. Everything works again without a restart of the server.
func TestFaults_ASVS_16_5_2(t *testing.T) {
	t.Parallel()
	s, database := breakable(t)
	bob := s.create(t, "bob@example.com", "Viewer")
	revoked := s.revoked(t)
	tr := s.traffic(t, bob)
	stays := func(t *testing.T) {
		t.Helper()
		for _, c := range revoked {
			status, header := c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusServiceUnavailable}, status, "what was revoked stays revoked")
			require.True(t, status != http.StatusServiceUnavailable || header.Get("Retry-After") != "")
		}
	}
	well := func(t *testing.T) {
		t.Helper()
		tr.awaitAll(t, http.StatusOK)
		tr.look()
		tr.awaitAll(t, http.StatusOK)
		tr.requireOnly(t, http.StatusOK)
		stays(t)
	}
	well(t)

	for _, fault := range []struct {
		name string
		does func(t *testing.T)
	}{
		{"Redis killed, and started again", func(t *testing.T) {
			s.redis.Stop()
			well(t)
			s.redis.Start(t)
			well(t)
		}},
		{"Redis flushed", func(t *testing.T) {
			options, err := redis.ParseURL(s.redis.URL)
			require.NoError(t, err)
			connection := redis.NewClient(options)
			defer connection.Close()
			require.NoError(t, connection.FlushAll(t.Context()).Err())
			well(t)
		}},
		{"PostgreSQL restarted", func(t *testing.T) {
			database.Kill()
			database.Start(t)
			tr.awaitAll(t, http.StatusOK)
			tr.requireOnly(t, http.StatusOK, http.StatusServiceUnavailable)
		}},
		{"PostgreSQL down", func(t *testing.T) {
			database.Kill()
			tr.awaitAll(t, http.StatusServiceUnavailable)
			tr.look()
			tr.awaitAll(t, http.StatusServiceUnavailable)
			tr.requireOnly(t, http.StatusServiceUnavailable)
			stays(t)
			database.Start(t)
		}},
		{"both down", func(t *testing.T) {
			s.redis.Stop()
			database.Kill()
			tr.awaitAll(t, http.StatusServiceUnavailable)
			tr.look()
			tr.awaitAll(t, http.StatusServiceUnavailable)
			tr.requireOnly(t, http.StatusServiceUnavailable)
			stays(t)
			database.Start(t)
			s.redis.Start(t)
		}},
		{"PostgreSQL stands still", func(t *testing.T) { s.frozen(t, database, tr) }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			fault.does(t)
			require.False(t, s.Ended())
			tr.awaitAll(t, http.StatusOK)
			well(t)
		})
	}
}

// revoked are callers whose credentials were good: of a session that was ended, and of a
// user who was disabled, by JWT and by cookie.
func (s *server) revoked(t *testing.T) []*client {
	t.Helper()
	eve := s.create(t, "eve@example.com", "Viewer")
	ended, disabled, browser := s.login(t, email), s.login(t, "eve@example.com"), s.client(t)
	status, _ := browser.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": "eve@example.com", "password": secret, "cookie": true}, nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = ended.ask(t, http.MethodPost, "/api/v2/auth/logout", nil, nil)
	require.Less(t, status, 300)
	status, _ = s.login(t, email).ask(t, http.MethodPatch, "/api/v2/users/"+eve, map[string]any{"enabled": false}, nil)
	require.Less(t, status, 300)
	return []*client{ended, disabled, browser}
}

// frozen: whoever asks is told to come again, within the limit of a request, and those
// who wait do not pile up.
func (s *server) frozen(t *testing.T, database *testkit.PostgresServer, tr *traffic) {
	t.Helper()
	database.Freeze(t)
	defer database.Thaw(t)
	tr.awaitAll(t, http.StatusServiceUnavailable)
	for range 3 {
		began := time.Now()
		status, header := s.client(t).ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret}, nil)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.NotEmpty(t, header.Get("Retry-After"))
		require.Less(t, time.Since(began), requestLimit+2*time.Second, "on a busy machine")
	}
	tr.requireOnly(t, http.StatusServiceUnavailable, http.StatusOK)
}

// A revocation that was answered just before the outage is in force during and after it.
func TestFaults_RevocationBeforeTheOutage(t *testing.T) {
	t.Parallel()
	s, database := breakable(t)
	id := s.create(t, "bob@example.com", "Administrator")
	owner, bob, browser := s.login(t, email), s.login(t, "bob@example.com"), s.client(t)
	status, _ := browser.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": "bob@example.com", "password": secret, "cookie": true}, nil)
	require.Equal(t, http.StatusOK, status)
	for _, c := range []*client{bob, browser} {
		status, _ = c.ask(t, http.MethodGet, "/api/v2/users", nil, nil)
		require.Equal(t, http.StatusOK, status)
	}
	status, _ = owner.ask(t, http.MethodPatch, "/api/v2/users/"+id, map[string]any{"enabled": false}, nil)
	require.Less(t, status, 300)
	database.Kill()
	s.redis.Stop()
	for range 5 {
		for _, c := range []*client{bob, browser} {
			status, _ = c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusServiceUnavailable}, status)
		}
	}
	database.Start(t)
	s.redis.Start(t)
	for _, c := range []*client{bob, browser} {
		require.Eventually(t, func() bool {
			status, _ := c.ask(t, http.MethodGet, "/api/v2/auth/me", nil, nil)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusServiceUnavailable}, status)
			return status == http.StatusUnauthorized
		}, stacktest.Patience, stacktest.Often)
	}
}
