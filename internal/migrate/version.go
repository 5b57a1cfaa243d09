package migrate

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/migrations"
)

// Range is the schema versions that a program can work with.
//
// A release numbers its migrations in a block of a hundred: 1 to 99, 100 to 199
// and so on. A program needs all migrations it knows, and because migrations only
// expand, it also works with those of the next release.
type Range struct {
	Min, Max int64
}

// The ranges of this program.
var (
	PostgresRange   = rangeOf(migrations.Postgres, "postgres")
	ClickHouseRange = rangeOf(migrations.ClickHouse, "clickhouse")
)

const releaseBlock = 100

// Contains reports whether the program can work with the version.
func (r Range) Contains(version int64) bool { return r.Min <= version && version <= r.Max }

// Explain is for operators: what to do about a version outside the range, or nil.
func (r Range) Explain(database string, version int64) error {
	switch {
	case version < r.Min:
		return fmt.Errorf("the schema of %s has version %d, and this program needs %d: run `telemetryflow migrate up`", database, version, r.Min)
	case version > r.Max:
		return fmt.Errorf("the schema of %s has version %d, and this program knows up to %d: upgrade the program", database, version, r.Max)
	default:
		return nil
	}
}

// rangeOf reads the names of the embedded files: NNNNN_name.sql.
func rangeOf(files embed.FS, folder string) Range {
	entries, err := files.ReadDir(folder)
	if err != nil {
		panic(err) // the compiler embedded it
	}
	var newest int64
	for _, entry := range entries {
		if name := entry.Name(); len(name) > 5 {
			if version, err := strconv.ParseInt(name[:5], 10, 64); err == nil {
				newest = max(newest, version)
			}
		}
	}
	return Range{Min: newest, Max: (newest/releaseBlock+2)*releaseBlock - 1}
}

// PostgresVersion is the version of the schema, 0 for none. Any role may ask.
func PostgresVersion(ctx context.Context, pool *postgres.Pool) (int64, error) {
	rows, err := pool.Call(ctx, "schema_version")
	if err != nil {
		return 0, fmt.Errorf("read the schema version of PostgreSQL: %w", err)
	}
	version, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema version of PostgreSQL: %w", err)
	}
	return version, nil
}

// CheckPostgres returns the schema's version, and whether it is in PostgresRange.
func CheckPostgres(ctx context.Context, pool *postgres.Pool) (version int64, ok bool, err error) {
	version, err = PostgresVersion(ctx, pool)
	return version, err == nil && PostgresRange.Contains(version), err
}

// clickHouseVersion reads the newest applied version, and the number of rows.
const clickHouseVersion = "SELECT maxIf(version_id, is_applied), toInt64(count()) FROM " + versionTable + " FINAL"

// ClickHouseConn is the part of a clickhouse-go connection that a check needs.
type ClickHouseConn interface {
	QueryRow(ctx context.Context, query string, arguments ...any) driver.Row
}

// CheckClickHouse returns the schema's version, 0 for none, and whether it is in
// ClickHouseRange. It reads two tables of a few rows.
func CheckClickHouse(ctx context.Context, conn ClickHouseConn) (version int64, ok bool, err error) {
	var exists uint64
	err = conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+versionTable+"'").Scan(&exists)
	if err != nil {
		return 0, false, fmt.Errorf("look for the schema of ClickHouse: %w", err)
	}
	if exists == 0 {
		return 0, false, nil
	}
	var rows int64
	if err := conn.QueryRow(ctx, clickHouseVersion).Scan(&version, &rows); err != nil {
		return 0, false, fmt.Errorf("read the schema version of ClickHouse: %w", err)
	}
	return version, ClickHouseRange.Contains(version), nil
}

// missing is true when the schema has no schema_version, because no migration ran.
func missing(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "42883" // undefined_function
}
