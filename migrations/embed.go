// Package migrations holds the SQL of both databases as numbered goose files.
//
// A file is named NNNNN_name.sql and has an up and a down half. Files under
// clickhouse/ are templates: what a cluster changes is rendered by
// internal/migrate. Migrations only expand: a breaking change is a new table.
package migrations

import "embed"

// Postgres holds postgres/NNNNN_name.sql.
//
//go:embed postgres/*.sql
var Postgres embed.FS

// ClickHouse holds clickhouse/NNNNN_name.sql.
//
//go:embed clickhouse/*.sql
var ClickHouse embed.FS
