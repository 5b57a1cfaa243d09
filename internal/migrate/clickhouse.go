package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"

	"github.com/telemetryflow/telemetryflow/migrations"
)

// minClickHouse is the oldest server that is tested, as its major version.
const minClickHouse = 26

// OpenClickHouse connects to the server of the URL (http://, https:// or
// clickhouse://), whose database must exist. With a cluster, everything is made
// on all its servers.
func OpenClickHouse(ctx context.Context, url string, cluster Cluster) (*Database, error) {
	if err := cluster.validate(); err != nil {
		return nil, err
	}
	options, err := clickhouse.ParseDSN(url)
	if err != nil {
		return nil, fmt.Errorf("read the ClickHouse URL: %w", err)
	}
	files, err := fs.Sub(migrations.ClickHouse, "clickhouse")
	if err != nil {
		return nil, fmt.Errorf("open the embedded migrations: %w", err)
	}
	db := clickhouse.OpenDB(options)
	if err := checkClickHouse(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db, renderedFS{FS: files, cluster: cluster},
		goose.WithStore(store{cluster}), goose.WithLocker(newTableLock(cluster)), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the embedded migrations of ClickHouse: %w", err), db.Close())
	}
	prepare := func(context.Context) error { return nil }
	return &Database{name: "ClickHouse", db: db, provider: provider, prepare: prepare}, nil
}

func checkClickHouse(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return fmt.Errorf("connect to ClickHouse: %w", err)
	}
	return checkClickHouseVersion(version)
}

func checkClickHouseVersion(version string) error {
	var major int
	if _, err := fmt.Sscanf(version, "%d.", &major); err != nil {
		return fmt.Errorf("read the version of ClickHouse %q: %w", version, err)
	}
	if major < minClickHouse {
		return fmt.Errorf("ClickHouse %s is too old: upgrade it to %d.1 or newer", version, minClickHouse)
	}
	return nil
}

// everywhere is the engine of a table that all servers share, whatever their
// shard: one path in Keeper for all of them.
func (c Cluster) everywhere(family, table, parameter string) string {
	if c.Name == "" {
		return family + "(" + parameter + ")"
	}
	shared := fmt.Sprintf("'/clickhouse/telemetryflow/{database}/%s', '{shard}-{replica}'", table)
	if parameter != "" {
		shared += ", " + parameter
	}
	return "Replicated" + family + "(" + shared + ")"
}
