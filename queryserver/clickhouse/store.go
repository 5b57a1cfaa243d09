package clickhouse

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// Store is safe for concurrent use.
type Store struct {
	conn   driver.Conn
	gate   *gate
	logger *slog.Logger
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
	return &Store{conn: conn, gate: newGate(settings.Limits), logger: logger}, nil
}

// answerTime is for the answer to arrive after the engine's time is up.
const answerTime = 5e9 // ns

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// Ping asks whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}
