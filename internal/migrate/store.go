package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3/database"
)

// store is goose's record of versions in ClickHouse. Taking a migration back adds
// a row instead of deleting one, for a mutation would be asynchronous, and on a
// cluster all servers share the table.
type store struct {
	cluster Cluster
}

func (s store) Tablename() string { return versionTable }

func (s store) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s%s
		(version_id Int64, is_applied Bool, at DateTime64(6) DEFAULT now64(6))
		ENGINE = %s ORDER BY version_id`, versionTable, s.cluster.OnCluster(), s.cluster.everywhere("ReplacingMergeTree", versionTable, "at")))
	return err
}

func (s store) Insert(ctx context.Context, db database.DBTxConn, request database.InsertRequest) error {
	return s.record(ctx, db, request.Version, true)
}

func (s store) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	return s.record(ctx, db, version, false)
}

// record writes with INSERT … SELECT, which the driver runs at once; it would
// hold INSERT … VALUES back for a batch. max keeps the order of a clock that was
// set back.
func (s store) record(ctx context.Context, db database.DBTxConn, version int64, applied bool) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %s (version_id, is_applied, at)
		SELECT %d, %t, greatest(now64(6), (SELECT max(at) FROM %s) + toIntervalMicrosecond(1))`,
		versionTable, version, applied, versionTable))
	return err
}

func (s store) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var result database.GetMigrationResult
	err := db.QueryRowContext(ctx, fmt.Sprintf(`SELECT at, is_applied FROM %s FINAL
		WHERE version_id = %d AND is_applied`, versionTable, version)).Scan(&result.Timestamp, &result.IsApplied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	if err != nil {
		return nil, err
	}
	return &result, nil
}

func (s store) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var version, rows int64
	err := db.QueryRowContext(ctx, clickHouseVersion).Scan(&version, &rows)
	if err != nil {
		return 0, err
	}
	if rows == 0 {
		return 0, database.ErrVersionNotFound
	}
	return version, nil
}

func (s store) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := db.QueryContext(ctx, "SELECT version_id, is_applied FROM "+versionTable+" FINAL WHERE is_applied ORDER BY version_id DESC")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*database.ListMigrationsResult
	for rows.Next() {
		var one database.ListMigrationsResult
		if err := rows.Scan(&one.Version, &one.IsApplied); err != nil {
			return nil, err
		}
		list = append(list, &one)
	}
	return list, rows.Err()
}
