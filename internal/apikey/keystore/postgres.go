package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// ErrNotFound means that PostgreSQL has answered and holds no such key.
var ErrNotFound = errors.New("there is no such API key")

// Postgres reads keys as telemetryflow_ingest, which may call the look-up
// functions of the schema and read no table.
type Postgres struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

// PostgresSettings say where the keys are.
type PostgresSettings struct {
	URL            string
	MaxConnections int32
	Timeout        time.Duration // of one look-up, waiting for a connection included
}

// OpenPostgres prepares the connections; the first look-up makes them.
func OpenPostgres(ctx context.Context, settings PostgresSettings) (*Postgres, error) {
	config, err := ParsePostgresURL(settings.URL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = settings.MaxConnections
	config.ConnConfig.ConnectTimeout = settings.Timeout
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, errors.New("open the PostgreSQL pool") // the cause may hold the URL
	}
	return &Postgres{pool: pool, timeout: settings.Timeout}, nil
}

// ParsePostgresURL reads a URL. Its error does not repeat the URL, which holds a
// password.
func ParsePostgresURL(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("not a PostgreSQL URL: write postgres://user:password@host:5432/database")
	}
	return config, nil
}

// Close ends the connections.
func (p *Postgres) Close() { p.pool.Close() }

// Find reads a key. ErrNotFound is an answer, any other error is none.
func (p *Postgres) Find(ctx context.Context, id apikey.ID) (*Record, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	record := &Record{ReadAt: time.Now()}
	var previousHash *string
	var previousUntil, expiresAt *time.Time
	err := p.pool.QueryRow(ctx, `SELECT organization_id, tenant_bound, active, permissions, secret_hash, previous_hash,
			previous_until, expires_at, requests_per_minute, items_per_second, bytes_per_second, tenant_ids, workspace_ids, "position"
		FROM find_api_key($1)`, id.String()).Scan(
		&record.Organization, &record.TenantBound, &record.Active, &record.Permissions, &record.Hash, &previousHash,
		&previousUntil, &expiresAt, &record.Limits.RequestsPerMinute, &record.Limits.ItemsPerSecond,
		&record.Limits.BytesPerSecond, &record.Tenants, &record.Workspaces, &record.Position)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read the API key from PostgreSQL: %w", err)
	}
	if previousHash != nil && previousUntil != nil {
		record.PreviousHash, record.PreviousUntil = *previousHash, *previousUntil
	}
	if expiresAt != nil {
		record.ExpiresAt = *expiresAt
	}
	return record, nil
}

// CacheSecret reads the secret under which Redis entries are sealed.
func (p *Postgres) CacheSecret(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	var secret []byte
	if err := p.pool.QueryRow(ctx, "SELECT read_api_key_cache_secret()").Scan(&secret); err != nil {
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
	if _, err := p.pool.Exec(ctx, "SELECT used_api_keys($1, $2)", ids, times); err != nil {
		return fmt.Errorf("record the use of API keys: %w", err)
	}
	return nil
}
