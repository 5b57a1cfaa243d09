// Package migrate brings the schemas of PostgreSQL and ClickHouse to a version,
// and tells programs whether they can work with the version they find.
//
//	database, err := migrate.OpenPostgres(ctx, url)
//	steps, err := database.Up(ctx)
//
// The SQL is in the package migrations; goose runs it, and two runs at once wait
// for one another.
package migrate
