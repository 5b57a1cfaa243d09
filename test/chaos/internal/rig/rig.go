//go:build linux

package rig

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/stored"
)

// Rig is the system. It ends with its test.
type Rig struct {
	Engine   *Process
	Database *stored.Engine
	Proxy    *faultproxy.Proxy // between the collector and the engine

	Postgres *testkit.PostgresServer
	Redis    *testkit.RedisServer
	// Pipes are between the collector and these two.
	PostgresPipe, RedisPipe *faultproxy.Pipe
	postgresURL             string

	Collector *Collector
	Program   string   // the collector's; another one is a known-bad build
	Over      []string // configuration over the shipped one, as yaml:…

	Folder   string        // of all data
	Patience time.Duration // of Settle, without any progress
	key      apikey.Credential
	world    *apikeytest.World
}

// LogDirectory is where the collector keeps its write-ahead log.
func (r *Rig) LogDirectory() string { return filepath.Join(r.Folder, "log") }

// New starts everything but the collector.
func New(t testing.TB) *Rig {
	t.Helper()
	postgres := testkit.NewPostgresServer(t)
	world := apikeytest.NewWorldIn(t, postgres.Database)
	r := &Rig{
		Postgres: postgres,
		Redis:    testkit.Redis(t),
		Program:  stacktest.Program(t, "telemetryflow-collector"),
		Folder:   t.TempDir(),
		Patience: patience,
		key:      world.Key(t, writes),
		world:    world,
	}
	r.lay(t, world.IngestURL)
	r.startEngine(t)
	r.migrate(t)
	proxy, err := faultproxy.New(r.Database.Addr)
	require.NoError(t, err)
	r.Proxy = proxy
	t.Cleanup(proxy.Down)
	return r
}

// writes lets a key send every signal.
func writes(k *keyadmin.NewKey) {
	k.Permissions = []tenant.Permission{tenant.TracesWrite, tenant.MetricsWrite, tenant.LogsWrite}
}

// Neighbour makes a key of another tenant.
func (r *Rig) Neighbour(t testing.TB) apikey.Credential {
	t.Helper()
	id, err := bootstrap.CreateTenant(t.Context(), r.world.Pool, r.world.Organization, r.world.Workspace, "neighbour")
	require.NoError(t, err)
	return r.world.Key(t, writes, func(k *keyadmin.NewKey) { k.Binding = id })
}

// lay lays the pipes to PostgreSQL and Redis, whose servers listen on unix sockets.
func (r *Rig) lay(t testing.TB, postgresURL string) {
	t.Helper()
	config, err := pgx.ParseConfig(postgresURL)
	require.NoError(t, err)
	options, err := redis.ParseURL(r.Redis.URL)
	require.NoError(t, err)
	r.PostgresPipe, err = faultproxy.NewPipe("unix", filepath.Join(config.Host, ".s.PGSQL.5432"))
	require.NoError(t, err)
	t.Cleanup(r.PostgresPipe.Close)
	r.RedisPipe, err = faultproxy.NewPipe("unix", options.Addr)
	require.NoError(t, err)
	t.Cleanup(r.RedisPipe.Close)
	r.postgresURL = "postgres://" + config.User + "@" + r.PostgresPipe.Addr + "/" + config.Database + "?sslmode=disable"
}

func (r *Rig) startEngine(t testing.TB) {
	t.Helper()
	r.Database = &stored.Engine{Addr: stacktest.FreeAddress(t), User: "telemetryflow", Password: rand.Text(), Database: "telemetryflow"}
	secret := filepath.Join(r.Folder, "engine-password")
	require.NoError(t, os.WriteFile(secret, []byte(r.Database.Password), 0o600))
	r.Engine = &Process{
		owner:   t,
		program: stacktest.Program(t, "telemetryflow"),
		arguments: []string{
			"engine", "--data-dir", filepath.Join(r.Folder, "engine"), "--listen", r.Database.Addr,
			"--user", r.Database.User, "--password-file", secret, "--drain-timeout", "2s",
		},
		ready: "http://" + r.Database.Addr + "/ping",
	}
	r.Engine.Start()
}

func (r *Rig) migrate(t testing.TB) {
	t.Helper()
	server := *r.Database
	server.Database = "default"
	require.NoError(t, server.Exec(t.Context(), "CREATE DATABASE %s", r.Database.Database))
	schema, err := migrate.OpenClickHouse(t.Context(), r.Database.URL(""), migrate.Cluster{})
	require.NoError(t, err)
	_, err = schema.Up(t.Context())
	require.NoError(t, err)
	require.NoError(t, schema.Close())
}

// Tables are those that hold what is ingested.
var tables = []string{
	"spans", "traces", "logs", "metric_samples", "metric_histogram_samples", "metric_series", "exemplars",
	"service_activity", "metric_activity",
}

// Forget empties the tables, so that a campaign may go on for days. The collector
// must not be running: it remembers which series it has written.
func (r *Rig) Forget(ctx context.Context) error {
	for _, table := range tables {
		if err := r.Database.Exec(ctx, "TRUNCATE TABLE %s", table); err != nil {
			return err
		}
	}
	return nil
}
