package tenantclickhouseexporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/deadletter"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

const (
	// drainTime is how long a shutdown waits for ClickHouse, per signal. What is left then
	// is in the log. Three signals end within the 10 s that supervisors give.
	drainTime = 2500 * time.Millisecond
	// tendInterval is how often letters are looked after.
	tendInterval = time.Second
)

// logged answers a request when it is in the write-ahead log on disk (ack: synced), and
// sends what is in the log to ClickHouse.
type logged struct {
	*store
	log     *wal.Log
	spool   *spool.Spool
	letters *deadletter.Folder
	hints   *hints
	jobs    job.Directory // nil: the extension is none
	leave   func()        // the directory

	safeParts uint64
	failing   atomic.Bool        // the last insert failed
	stop      context.CancelFunc // ends the senders
	running   sync.WaitGroup
}

// start opens the log and begins to send what it holds.
func (l *logged) start(ctx context.Context, host component.Host) (err error) {
	storage := *l.config.SendingQueue.Storage
	opener, ok := host.GetExtensions()[storage].(wal.Opener)
	if !ok {
		return fmt.Errorf("sending_queue::storage: %s is not a write_ahead_log extension of this collector's service", storage)
	}
	name := filepath.Join(wal.FolderName(l.id.String()), l.signal.String())
	folder, log, err := opener.OpenLog(name)
	if err != nil {
		return err
	}
	l.log = log
	l.letters = deadletter.Open(filepath.Join(folder, deadletter.FolderName))
	if l.hints, err = newHints(context.WithoutCancel(ctx), string(l.config.Hints.RedisURL), l.signal, l.telemetry); err != nil {
		return errors.Join(err, log.Close())
	}
	l.spool, err = spool.Open(log, l.spoolSettings(), l.logger)
	if err != nil {
		l.hints.close()
		return errors.Join(err, log.Close())
	}
	if err := l.telemetry.observe(l); err != nil {
		l.spool.Close()
		l.hints.close()
		return errors.Join(err, log.Close())
	}
	var running context.Context
	running, l.stop = context.WithCancel(context.WithoutCancel(ctx)) // Start's context ends with Start
	l.register(host.GetExtensions()[storage])
	for range l.config.consumers() {
		l.running.Go(func() { l.send(running) })
	}
	l.running.Go(func() { l.tend(running) })
	return nil
}

func (l *logged) spoolSettings() spool.Settings {
	return spool.Settings{
		NewEncoder: l.newEncoder,
		MaxRows:    l.config.Batch.MaxRows, MaxBytes: l.config.Batch.MaxBytes, MaxAge: l.config.Batch.MaxAge,
		MaxWaiting: int64(l.config.Waiting.MaxBytes), MaxRequests: l.config.Waiting.MaxRequests,
		InMemory:     residentBatches,
		RepeatWindow: l.config.Receipts.Repeats, StoredLife: l.config.Receipts.Stored, DeadLife: l.config.Receipts.Dead,
	}
}

// residentBatches is how many batches are kept in memory: one that grows, two that
// are sent. Others are read from the log, which is in the page cache.
const residentBatches = 3

func (l *logged) take(r *spool.Request) (kept, error) {
	if l.config.Receipts.Repeats == 0 {
		r.Identity = spool.Identity{}
	}
	if answer, found := l.recall(r); found {
		return kept{answer, true}, nil
	}
	answered, err := l.spool.Put(r)
	switch {
	case err == nil:
		return l.answer(r, answered), nil
	case errors.Is(err, spool.ErrFull), errors.Is(err, spool.ErrFailed):
		return kept{}, errFull()
	case errors.Is(err, spool.ErrShare):
		return kept{}, errShare()
	case errors.Is(err, spool.ErrClosed):
		return kept{}, errShuttingDown()
	case errors.Is(err, encode.ErrNoTenant):
		return kept{}, l.unstamped(err)
	case r.Context.Err() != nil:
		return kept{}, errLeft()
	default:
		return kept{}, consumererror.NewPermanent(err)
	}
}

// shutdown writes down what waits for the log, and sends what is in it if ClickHouse
// takes it at once; the rest stays there for the next start.
func (l *logged) shutdown(ctx context.Context) {
	if l.stop == nil {
		return // the start failed
	}
	drain, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if l.failing.Load() {
		cancel()
	}
	if l.spool.Drain(drain) != nil {
		queue := l.spool.Queue()
		l.logger.Info("The rest is in the log and will be sent after the next start.", zap.Int("items", queue.Items))
	}
	l.stop()
	l.running.Wait()
	l.spool.Close()
	l.leave()
	if err := l.log.Close(); err != nil {
		l.logger.Error("The log could not be closed cleanly; nothing that was acknowledged is lost.", zap.Error(err))
	}
	l.hints.close()
	l.telemetry.forget()
}

// tend looks after the dead letters, of which those that a command has replayed are
// counted as stored and those that are too old go, and counts ClickHouse's parts.
func (l *logged) tend(ctx context.Context) {
	tending, counting := time.NewTicker(tendInterval), time.NewTicker(partsInterval)
	defer tending.Stop()
	defer counting.Stop()
	l.countParts(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tending.C:
			l.settleReplayed(ctx)
			l.expireLetters(ctx)
		case <-counting.C:
			l.countParts(ctx)
		}
	}
}
