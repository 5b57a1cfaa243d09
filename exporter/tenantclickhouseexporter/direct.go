package tenantclickhouseexporter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
)

// direct answers a request when ClickHouse has it (ack: stored). A client that leaves
// gets no answer; what it left behind is not stored if its insert has not begun.
type direct struct {
	*store

	// instance begins the deduplication tokens: another start never repeats them.
	instance  string
	batches   atomic.Uint64
	line      *line
	stop      context.CancelFunc // gives up what still waits
	consumers sync.WaitGroup
}

func newDirect(s *store) *direct {
	var random [8]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	d := &direct{store: s, instance: hex.EncodeToString(random[:]), line: newLine(s.config)}
	d.batches.Store(spool.FirstNumber(time.Now()))
	return d
}

func (d *direct) start(ctx context.Context, _ component.Host) error {
	var running context.Context
	running, d.stop = context.WithCancel(context.WithoutCancel(ctx)) // Start's context ends with Start
	for range d.config.consumers() {
		d.consumers.Go(func() { newConsumer(d).run(running) })
	}
	return nil
}

// shutdown finishes what waits, until the context ends; what is left then is given
// back to its clients.
func (d *direct) shutdown(ctx context.Context) {
	d.line.close()
	overdue := context.AfterFunc(ctx, d.stop)
	defer overdue()
	d.consumers.Wait()
	d.stop()
}

func (d *direct) take(from *spool.Request) (kept, error) {
	r := &request{ctx: from.Context, items: from.Items(), bytes: from.Bytes, add: from.Add, done: make(chan error, 1)}
	if err := d.line.put(r); err != nil {
		return kept{}, err
	}
	select {
	case err := <-r.done:
		if err == nil {
			d.telemetry.stored(r.ctx, r.items)
		}
		return kept{}, err
	case <-r.ctx.Done():
		return kept{}, errLeft()
	}
}
