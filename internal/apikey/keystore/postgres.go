package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

// ErrNotFound means that PostgreSQL has answered and holds no such key.
var ErrNotFound = errors.New("there is no such API key")

// Postgres reads keys through the look-up functions of the schema.
type Postgres struct {
	pool    *postgres.Pool
	timeout time.Duration
}

// NewPostgres reads through the pool, whose role is postgres.Ingest. The timeout
// is of one look-up, waiting for a connection included.
func NewPostgres(pool *postgres.Pool, timeout time.Duration) *Postgres {
	return &Postgres{pool: pool, timeout: timeout}
}

// Find reads a key. ErrNotFound is an answer, any other error is none.
func (p *Postgres) Find(ctx context.Context, id apikey.ID) (*Record, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	readAt := time.Now()
	rows, _ := p.pool.Call(ctx, "find_api_key", id.String()) // CollectExactlyOneRow returns its error
	record, err := pgx.CollectExactlyOneRow(rows, scanRecord)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read the API key from PostgreSQL: %w", err)
	}
	record.ReadAt = readAt
	return record, nil
}

func scanRecord(row pgx.CollectableRow) (*Record, error) {
	record := &Record{}
	var previousHash *string
	var previousUntil, expiresAt *time.Time
	err := row.Scan(&record.Organization, &record.TenantBound, &record.Active, &record.Permissions, &record.Hash, &previousHash,
		&previousUntil, &expiresAt, &record.Limits.RequestsPerMinute, &record.Limits.ItemsPerSecond,
		&record.Limits.BytesPerSecond, &record.Tenants, &record.Workspaces, &record.Position)
	if previousHash != nil && previousUntil != nil {
		record.PreviousHash, record.PreviousUntil = *previousHash, *previousUntil
	}
	if expiresAt != nil {
		record.ExpiresAt = *expiresAt
	}
	return record, err
}

// CacheSecret reads the secret under which Redis entries are sealed.
func (p *Postgres) CacheSecret(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	rows, _ := p.pool.Call(ctx, "read_api_key_cache_secret") // CollectExactlyOneRow returns its error
	secret, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read the cache secret from PostgreSQL: %w", err)
	}
	return secret, nil
}

// RecordUse stores when keys were last used.
func (p *Postgres) RecordUse(ctx context.Context, uses map[apikey.ID]time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	ids, times := make([]string, 0, len(uses)), make([]time.Time, 0, len(uses))
	for id, at := range uses {
		ids, times = append(ids, id.String()), append(times, at)
	}
	rows, err := p.pool.Call(ctx, "used_api_keys", ids, times)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		return fmt.Errorf("record the use of API keys: %w", err)
	}
	return nil
}
