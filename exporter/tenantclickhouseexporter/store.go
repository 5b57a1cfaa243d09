package tenantclickhouseexporter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// store takes the requests of one signal and answers each when it is stored.
type store struct {
	config    *Config
	signal    pipeline.Signal
	settings  component.TelemetrySettings
	logger    *zap.Logger
	telemetry *telemetry

	// instance begins the deduplication tokens: another start never repeats them.
	instance string
	batches  atomic.Uint64
	seen     *encode.SeenSeries
	line     *line

	conn      driver.Conn
	schema    *schemaGate
	stop      context.CancelFunc // gives up what still waits
	consumers sync.WaitGroup
}

func newStore(set exporter.Settings, config *Config, signal pipeline.Signal) (*store, error) {
	telemetry, err := newTelemetry(set.TelemetrySettings, signal)
	if err != nil {
		return nil, err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails (Go 1.24)
	s := &store{
		config:    config,
		signal:    signal,
		settings:  set.TelemetrySettings,
		logger:    set.Logger,
		telemetry: telemetry,
		instance:  hex.EncodeToString(random[:]),
		seen:      encode.NewSeenSeries(config.SeriesMemory),
		line:      newLine(config),
	}
	s.batches.Store(firstBatch(time.Now()))
	return s, nil
}

// firstBatch numbers batches by milliseconds since 2020, so that they grow over
// restarts; there are fewer than 1,000 batches a second.
func firstBatch(now time.Time) uint64 {
	return uint64(now.Sub(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds())
}

// start opens the connections, which does not need ClickHouse to be there.
func (s *store) start(ctx context.Context, host component.Host) error {
	connection := s.config.connection(insertSettings(s.config))
	tls, err := s.config.TLS.LoadTLSConfig(ctx)
	if err != nil {
		return fmt.Errorf("load tls: %w", err)
	}
	connection.TLS = tls
	if s.conn, err = chconn.Open(connection); err != nil {
		return err
	}
	s.schema = newSchemaGate(s.conn, host)
	var running context.Context
	running, s.stop = context.WithCancel(context.WithoutCancel(ctx)) // Start's context ends with Start
	for range s.config.NumConsumers {
		s.consumers.Go(func() { newConsumer(s).run(running) })
	}
	return nil
}

// shutdown refuses new requests and finishes those that wait, until the context
// ends; what is left then is given back to its clients.
func (s *store) shutdown(ctx context.Context) error {
	s.line.close()
	if s.stop == nil {
		return nil // never started
	}
	finished := make(chan struct{})
	go func() {
		s.consumers.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		s.stop()
		<-finished
	}
	s.stop()
	return s.conn.Close()
}

// push puts a request in line and waits for its end. A client that leaves gets no
// answer; what it left behind is not stored if its insert has not begun.
func (s *store) push(ctx context.Context, items, bytes int, add func(*encode.Encoder) error) error {
	if items == 0 {
		return nil
	}
	r := &request{ctx: ctx, items: items, bytes: bytes, add: add, done: make(chan error, 1)}
	if err := s.line.put(r); err != nil {
		s.telemetry.refused(ctx, items, reasonFull)
		return err
	}
	s.telemetry.accepted(ctx, r)
	defer s.telemetry.finished(ctx, r)
	select {
	case err := <-r.done:
		if err != nil {
			s.telemetry.refused(ctx, items, reasonOf(err))
			return err
		}
		receipt.FromContext(ctx).Durable(s.signal, items)
		s.telemetry.stored(ctx, items)
		return nil
	case <-ctx.Done():
		s.telemetry.refused(ctx, items, reasonLeft)
		return errNotStoredYet()
	}
}
