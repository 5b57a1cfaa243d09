package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// Store is safe for concurrent use.
type Store struct {
	conn   driver.Conn
	gate   *gate
	logger *slog.Logger
	known  atomic.Bool // the schema is one that this program knows

	exportRows int
}

// New makes a store. It does not connect: a ClickHouse that is down is found out by the
// first question.
func New(settings Settings, logger *slog.Logger) (*Store, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	secured, err := settings.TLS.LoadTLSConfig(context.Background())
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	conn, err := chconn.Open(chconn.Config{
		Endpoint: string(settings.Endpoint), TLS: secured, Compression: settings.Compression,
		Timeout: settings.Limits.Time + answerTime, Connections: settings.Limits.Queries, Settings: settings.Limits.engine(),
	})
	if err != nil {
		return nil, err
	}
	return &Store{conn: conn, gate: newGate(settings.Limits), logger: logger, exportRows: settings.Limits.ExportRows}, nil
}

// answerTime is for the answer to arrive after the engine's time is up.
const answerTime = 5 * time.Second

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// ErrSchema means that the schema is none that this program knows.
var ErrSchema = errors.New("the schema of ClickHouse does not fit")

// CheckSchema refuses a schema that the program does not know, by ErrSchema. Unavailable:
// ClickHouse cannot be asked. No question is asked before it has found one that fits.
func (s *Store) CheckSchema(ctx context.Context) error {
	version, ok, err := migrate.CheckClickHouse(ctx, s.conn)
	switch {
	case err != nil:
		return unavailable(err)
	case !ok:
		return fmt.Errorf("%w: %w", ErrSchema, migrate.ClickHouseRange.Explain("ClickHouse", version))
	}
	s.known.Store(true)
	return nil
}
