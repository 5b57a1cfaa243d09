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

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/mail"
)

// worldPassword is that of all users.
const worldPassword = "a harbour in winter fog"

// world is a query server over a real PostgreSQL and Redis, with two organizations.
type world struct {
	*queryServer
	base         string
	hash         string // of worldPassword
	redis        *testkit.RedisServer
	sink         *smtptest.Sink
	ours, theirs *estate
	keys         *keyadmin.Admin
	noon         time.Time // of all telemetry
}

func newWorld(t *testing.T) *world {
	t.Helper()
	database := testkit.Postgres(t)
	return newWorldAt(t, database.AppURL, noClickHouse)
}

// noClickHouse is where none is, for tests that ask for no telemetry.
const noClickHouse = "http://127.0.0.1:1"

// newWorldAt is one whose PostgreSQL and ClickHouse are reached by URLs.
func newWorldAt(t *testing.T, url, telemetry string) *world {
	t.Helper()
	w := &world{redis: testkit.Redis(t), sink: smtptest.Start(t, smtptest.NoTLS())}
	server, err := newQueryServer(t.Context(), w.settings(t, url, telemetry), slog.New(slog.DiscardHandler))
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

func (w *world) settings(t *testing.T, database, telemetry string) *queryServerConfig {
	t.Helper()
	master := make([]byte, 32)
	_, _ = rand.Read(master)
	config := defaultQueryServerConfig()
	config.Secrets = seal.Settings{Keys: []seal.KeySettings{{ID: "main", Key: configopaque.String(base64.StdEncoding.EncodeToString(master))}}}
	config.HTTP.Limits.PublicPerMinute = 0 // the tests are one network
	config.HTTP.Listen, config.HTTP.Admin, config.HTTP.InsecureCookies = "127.0.0.1:0", "127.0.0.1:0", true
	config.Postgres.URL, config.Redis.URL = configopaque.String(database), configopaque.String(w.redis.URL)
	config.ClickHouse.Endpoint = configopaque.String(telemetry)
	config.Mail.Host, config.Mail.Port, config.Mail.TLS, config.Mail.From = w.sink.Host, w.sink.Port, mail.NoTLS, "telemetryflow@example.com"
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

// client follows no redirects.
func (w *world) client() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
