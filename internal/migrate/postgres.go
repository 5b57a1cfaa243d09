package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/migrations"
)

const (
	// minPostgres is the oldest server that is tested, as server_version_num.
	minPostgres = 150000
	// lockID names the advisory lock of a run: "tfmigrat" in ASCII.
	lockID = 0x74666d6967726174
	// A run that finds another under way asks once a second, and gives up after
	// ten minutes: longer than any migration of metadata takes.
	lockPeriodSeconds = 1
	lockAttempts      = 600
)

// OpenPostgres connects to the database of the URL. The migrations run as
// telemetryflow_owner; the URL's user must be that role, a member of it, or an
// administrator, who also creates the roles where they are missing.
func OpenPostgres(ctx context.Context, url string) (*Database, error) {
	config, err := postgres.ConnConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the PostgreSQL URL: %w", err)
	}
	if err := checkServer(ctx, config); err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockID), lock.WithLockTimeout(lockPeriodSeconds, lockAttempts))
	if err != nil {
		return nil, fmt.Errorf("set up the lock of migrations: %w", err)
	}
	files, err := fs.Sub(migrations.Postgres, "postgres")
	if err != nil {
		return nil, fmt.Errorf("open the embedded migrations: %w", err)
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(asOwner))
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(versionTable), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the embedded migrations of PostgreSQL: %w", err), db.Close())
	}
	prepare := func(ctx context.Context) error { return ensureRoles(ctx, config) }
	return &Database{name: "PostgreSQL", db: db, provider: provider, prepare: prepare}, nil
}

// asOwner makes everything that a migration creates the owner's, whoever runs it.
func asOwner(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "SET ROLE telemetryflow_owner"); err != nil {
		return fmt.Errorf("become telemetryflow_owner: %w", err)
	}
	return nil
}

func checkServer(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return fmt.Errorf("read the version of PostgreSQL: %w", err)
	}
	if version < minPostgres {
		return fmt.Errorf("PostgreSQL %d is too old: upgrade it to %d or newer", version/10000, minPostgres/10000)
	}
	return nil
}
