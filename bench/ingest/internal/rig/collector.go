//go:build linux

package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// Collector is a running collector with its database.
type Collector struct {
	PID      int
	URL      string // base of OTLP/HTTP
	Database string

	rig      *Rig
	pipeline *Pipeline
	process  *stacktest.Process
	dir      string
	pprof    string
}

// Start runs a collector with a pipeline into a new database.
func (r *Rig) Start(ctx context.Context, p *Pipeline, database string) (*Collector, error) {
	c := &Collector{Database: database, rig: r, pipeline: p, dir: filepath.Join(r.dir, database), pprof: stacktest.FreeAddress(r.t)}
	if p.Ours {
		if err := r.Engine.Migrate(ctx, database); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the collector's folder: %w", err)
	}
	file := filepath.Join(c.dir, "config.yaml")
	if err := os.WriteFile(file, []byte(p.config), 0o600); err != nil {
		return nil, fmt.Errorf("write the collector's configuration: %w", err)
	}
	otlp, health := stacktest.FreeAddress(r.t), stacktest.FreeAddress(r.t)
	environment := append([]string{
		"BENCH_POSTGRES_URL=" + r.postgresURL,
		"BENCH_REDIS_URL=" + r.redisURL,
		"BENCH_CLICKHOUSE_URL=" + r.Engine.URL(database),
		"BENCH_CLICKHOUSE=http://" + r.Engine.address.Host,
		"BENCH_CLICKHOUSE_USER=" + engineUser,
		"BENCH_CLICKHOUSE_PASSWORD=" + r.Engine.password,
		"BENCH_CLICKHOUSE_DATABASE=" + database,
		"BENCH_QUEUE=" + filepath.Join(c.dir, "queue"),
		"BENCH_HTTP=" + otlp,
		"BENCH_HEALTH=" + health,
		"BENCH_PPROF=" + c.pprof,
	}, p.environment...)
	c.process = stacktest.Run(r.t, stacktest.Program(r.t, "telemetryflow-collector"), environment, "--config", file)
	c.process.AwaitOK(r.t, "http://"+health)
	c.PID, c.URL = c.process.Cmd.Process.Pid, "http://"+otlp
	return c, p.harden(ctx, r.Engine, database)
}

// Stop ends the collector and removes its folder and its database.
func (c *Collector) Stop(ctx context.Context) error {
	return errors.Join(c.Quit(), c.rig.Engine.Drop(ctx, c.Database))
}

// Quit ends the collector and keeps its database.
func (c *Collector) Quit() error {
	c.process.Stop()
	return os.RemoveAll(c.dir)
}

// Output is what the collector has logged.
func (c *Collector) Output() string { return c.process.Output() }

// Profile samples what the collector's processors do, and writes it to a file.
func (c *Collector) Profile(ctx context.Context, length time.Duration, file string) error {
	address := "http://" + c.pprof + "/debug/pprof/profile?seconds=" + strconv.Itoa(int(length.Seconds()))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("profile the collector: %w", err)
	}
	defer response.Body.Close()
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("profile the collector: %w", err)
	}
	_, err = io.Copy(out, response.Body)
	return errors.Join(err, out.Close())
}
