//go:build linux

package rig

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// Rig is the running servers. They end with the test kit's owner.
type Rig struct {
	t           testing.TB
	dir         string
	postgresURL string
	redisURL    string

	Engine  *Engine
	Tenants []Tenant
}

// Tenant is one tenant with a key.
type Tenant struct {
	Workspace, ID tenant.ID
	Key           load.Key
}

// New starts the servers and makes tenants with a key each, without limits.
func New(t testing.TB, tenants int) (*Rig, error) {
	t.Helper()
	r := &Rig{t: t, dir: t.TempDir(), redisURL: testkit.Redis(t).URL}
	database := testkit.Postgres(t)
	r.postgresURL = database.IngestURL
	r.Engine = startEngine(t, filepath.Join(r.dir, "engine"))
	pool, err := postgres.Open(database.AppURL, postgres.App)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	organization, err := bootstrap.CreateOrganization(t.Context(), pool, "bench")
	if err != nil {
		return nil, err
	}
	for i := range tenants {
		one, err := newTenant(t.Context(), pool, organization, fmt.Sprintf("tenant-%d", i))
		if err != nil {
			return nil, err
		}
		r.Tenants = append(r.Tenants, one)
	}
	return r, nil
}

func newTenant(ctx context.Context, pool *postgres.Pool, organization tenant.ID, name string) (one Tenant, err error) {
	if one.Workspace, err = bootstrap.CreateWorkspace(ctx, pool, organization, name); err != nil {
		return Tenant{}, err
	}
	if one.ID, err = bootstrap.CreateTenant(ctx, pool, organization, one.Workspace, name); err != nil {
		return Tenant{}, err
	}
	_, key, err := keyadmin.New(pool, "benchmark").Create(ctx, keyadmin.NewKey{
		Name: name, Kind: keyadmin.Tenant, Binding: one.ID,
		Permissions: []tenant.Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite},
	})
	one.Key = load.Key{ID: key.ID.String(), Secret: key.Secret}
	return one, err
}

func startEngine(t testing.TB, dir string) *Engine {
	t.Helper()
	e := &Engine{password: rand.Text()}
	address := stacktest.FreeAddress(t)
	e.address = &url.URL{Scheme: "http", User: url.UserPassword(engineUser, e.password), Host: address}
	process := stacktest.Run(t, stacktest.Program(t, "telemetryflow"), []string{"TELEMETRYFLOW_ENGINE_PASSWORD=" + e.password},
		"engine", "--listen", address, "--data-dir", dir, "--user", engineUser)
	process.AwaitOK(t, "http://"+address+"/ping")
	e.PID = process.Cmd.Process.Pid
	return e
}

// Bounds of Settle.
const (
	settleLook  = 250 * time.Millisecond
	settleLimit = 30 * time.Second
	settledLoad = 0.04 // processors
)

// Settle waits until the engine has nothing left to do, such as merges.
func (r *Rig) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	ticker := time.NewTicker(settleLook)
	defer ticker.Stop()
	last, err := proc.CPU(r.Engine.PID)
	if err != nil {
		return err
	}
	for quiet := 0; quiet < 2; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil // it will never be quieter
			}
			return ctx.Err()
		}
		now, err := proc.CPU(r.Engine.PID)
		if err != nil {
			return err
		}
		if quiet++; float64(now-last) > settledLoad*float64(settleLook) {
			quiet = 0
		}
		last = now
	}
	return nil
}
