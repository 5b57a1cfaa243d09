package tenantclickhouseexporter

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// store takes the requests of one signal and answers each when it is kept as the
// configuration promises.
type store struct {
	config    *Config
	id        component.ID
	signal    pipeline.Signal
	settings  component.TelemetrySettings
	logger    *zap.Logger
	telemetry *telemetry
	refused   refusals
	seen      *encode.SeenSeries

	conn     driver.Conn
	inserter *inserter
	front    front
}

// front is where requests go: into the log, or to those who wait for their insert.
type front interface {
	start(ctx context.Context, host component.Host) error
	// take returns when the request is kept, or never will be. Its errors are meant for clients.
	take(request *spool.Request) (kept, error)
	// shutdown refuses new requests, and ends.
	shutdown(ctx context.Context)
}

func newStore(set exporter.Settings, config *Config, signal pipeline.Signal) (*store, error) {
	telemetry, err := newTelemetry(set.TelemetrySettings, signal)
	if err != nil {
		return nil, err
	}
	s := &store{
		config:    config,
		id:        set.ID,
		signal:    signal,
		settings:  set.TelemetrySettings,
		logger:    set.Logger,
		telemetry: telemetry,
		refused:   refusals{by: make(map[spool.Account]map[string]uint64)},
		seen:      encode.NewSeenSeries(config.SeriesMemory),
	}
	if config.Ack == ackStored {
		s.front = newDirect(s)
	} else {
		s.front = &logged{store: s, safeParts: safeParts}
	}
	return s, nil
}

func (s *store) newEncoder() *encode.Encoder {
	return encode.New(encode.Config{Retention: encode.Retention(s.config.Retention), Seen: s.seen})
}

// start opens the connections, which does not need ClickHouse to be there.
func (s *store) start(ctx context.Context, host component.Host) error {
	connection := s.config.connection(insertion.Settings(s.config.Timeout, s.config.InsertQuorum))
	tls, err := s.config.TLS.LoadTLSConfig(ctx)
	if err != nil {
		return fmt.Errorf("load tls: %w", err)
	}
	connection.TLS = tls
	if s.conn, err = chconn.Open(connection); err != nil {
		return err
	}
	s.inserter = &inserter{
		conn: s.conn, schema: newSchemaGate(s.conn, host),
		timeout: s.config.Timeout, telemetry: s.telemetry, logger: s.logger,
	}
	return s.front.start(ctx, host)
}

func (s *store) shutdown(ctx context.Context) error {
	if s.conn == nil {
		return nil // never started
	}
	s.front.shutdown(ctx)
	return s.conn.Close()
}

// push keeps the items of a request.
func (s *store) push(ctx context.Context, shares []spool.Share, size func() int, add func(*encode.Encoder) error) error {
	handle := receipt.FromContext(ctx)
	counts := handle.Counts()
	r := &spool.Request{
		Entry:   spool.Entry{Key: keyOf(ctx), Shares: shares, Rejected: counts.Rejected, Message: handle.Message()},
		Context: ctx, Add: add,
	}
	items := r.Items()
	if items == 0 {
		return nil
	}
	known, _ := handle.Request(s.signal)
	// What the client sent and is neither here nor rejected, a processor has removed.
	r.Filtered = max(counts.Filtered, known.Items-counts.Rejected-items)
	if counts.Rejected+items == known.Items {
		// Of a part of a request it cannot be told whether it repeats another part.
		r.Identity = spool.Identity(known.Identity)
		r.Bytes = known.Bytes
	}
	if r.Bytes == 0 {
		r.Bytes = size()
	}
	s.telemetry.arrived(ctx, items, r.Bytes)
	defer s.telemetry.left(ctx, items, r.Bytes)
	kept, err := s.front.take(r)
	if err != nil {
		s.refuse(ctx, r, reasonOf(err))
		return err
	}
	handle.Durable(s.signal, items)
	handle.Filter(s.signal, r.Filtered-counts.Filtered)
	if kept.again {
		handle.Repeat(s.signal, kept.Answer)
		return nil
	}
	s.telemetry.accepted(ctx, items)
	handle.Give(s.signal, kept.ID)
	return nil
}

// kept is what is told of a request that is kept.
type kept struct {
	receipt.Answer
	again bool // it repeats an earlier request, whose answer this is
}

func (s *store) refuse(ctx context.Context, r *spool.Request, reason string) {
	for _, share := range r.Shares {
		account := spool.Account{Key: r.Key, Owner: share.Owner}
		s.refused.add(account, reason, share.Items)
		s.telemetry.refused(ctx, account, reason, share.Items)
	}
}
