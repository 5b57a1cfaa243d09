package writeaheadlogextension

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"go.opentelemetry.io/collector/component"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/job/jobstore"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

var (
	_ wal.Opener    = (*logExtension)(nil)
	_ job.Directory = (*logExtension)(nil)
)

// maxConnections to PostgreSQL: one publishes, the others look up.
const maxConnections = 3

// logExtension opens logs when it is asked to, and is the directory of those that are
// registered with it. The components close them.
type logExtension struct {
	config   *Config
	settings component.TelemetrySettings

	logs      registry
	pool      *postgres.Pool  // nil: not configured
	store     *jobstore.Store // the same
	telemetry *metadata.TelemetryBuilder
	repeats   *repeats
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// Start waits neither for PostgreSQL nor for Redis: only other collectors need them.
func (e *logExtension) Start(ctx context.Context, _ component.Host) (err error) {
	if e.telemetry, err = metadata.NewTelemetryBuilder(e.settings); err != nil {
		return fmt.Errorf("make the metrics: %w", err)
	}
	if e.repeats, err = newRepeats(&e.config.Redis, e.telemetry); err != nil { //nolint:contextcheck // it outlives Start
		return err
	}
	if e.config.Postgres.URL == "" {
		return nil
	}
	e.pool, err = postgres.Open(string(e.config.Postgres.URL), postgres.Ingest, //nolint:contextcheck // it opens no connection yet
		postgres.MaxConns(maxConnections), postgres.ConnectTimeout(e.config.Postgres.Timeout))
	if err != nil {
		return errors.Join(fmt.Errorf("postgres::url: %w", err), e.repeats.close())
	}
	e.store = jobstore.New(e.pool, e.config.Postgres.Timeout)
	var running context.Context
	running, e.stop = context.WithCancel(context.WithoutCancel(ctx)) // Start's context ends with Start
	p := &publisher{logs: &e.logs, store: e.store, telemetry: e.telemetry, logger: e.settings.Logger}
	e.running.Go(func() { p.run(running) })
	return nil
}

// Shutdown comes after the components have closed their logs: what became of their
// last batches is published now.
func (e *logExtension) Shutdown(context.Context) error {
	if e.stop != nil {
		e.stop()
		e.running.Wait()
	}
	if e.pool != nil {
		e.pool.Close()
	}
	return e.repeats.close()
}

// OpenLog opens the log of a name, in a folder of that name.
func (e *logExtension) OpenLog(name string) (string, *wal.Log, error) {
	path := filepath.Join(e.config.Directory, name)
	disk, err := wal.Folder(path)
	if err != nil {
		return "", nil, err
	}
	log, err := wal.Open(disk, wal.Settings{SegmentSize: e.config.SegmentSize, MaxSize: e.config.MaxSize, MinFree: e.config.MinFreeSpace})
	if err != nil {
		_ = disk.Close()
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return path, log, nil
}
