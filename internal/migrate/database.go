package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/pressly/goose/v3"
)

// versionTable records which migrations a database has had, in both databases.
const versionTable = "schema_migrations"

// Database is one database whose schema can be moved.
type Database struct {
	name     string // for errors: PostgreSQL or ClickHouse
	db       *sql.DB
	provider *goose.Provider
	prepare  func(context.Context) error // what must exist before the first migration
}

// Step is one migration that ran, or that Status knows.
type Step struct {
	Version int64
	Name    string
	Applied bool
	At      time.Time     // when it was applied; from Status only
	Took    time.Duration // from Up and Down only
}

// Up applies every migration that has not been applied.
func (d *Database) Up(ctx context.Context) ([]Step, error) {
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	results, err := d.provider.Up(ctx)
	return d.steps(results, err)
}

// Down takes the newest applied migration back, if there is one.
func (d *Database) Down(ctx context.Context) ([]Step, error) {
	result, err := d.provider.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return nil, nil
	}
	var results []*goose.MigrationResult
	if result != nil {
		results = append(results, result)
	}
	return d.steps(results, err)
}

// DownTo takes back every migration above the version; 0 takes back all.
func (d *Database) DownTo(ctx context.Context, version int64) ([]Step, error) {
	results, err := d.provider.DownTo(ctx, version)
	return d.steps(results, err)
}

// Status lists every migration of this program in order.
func (d *Database) Status(ctx context.Context) ([]Step, error) {
	known, err := d.provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the migrations of %s: %w", d.name, err)
	}
	steps := make([]Step, len(known))
	for i, one := range known {
		steps[i] = Step{
			Version: one.Source.Version,
			Name:    path.Base(one.Source.Path),
			Applied: one.State == goose.StateApplied,
			At:      one.AppliedAt,
		}
	}
	return steps, nil
}

// Name is PostgreSQL or ClickHouse.
func (d *Database) Name() string { return d.name }

// Close ends the connections.
func (d *Database) Close() error { return d.db.Close() }

// steps keeps what ran before a failure: goose holds it inside the error.
func (d *Database) steps(results []*goose.MigrationResult, err error) ([]Step, error) {
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
		err = fmt.Errorf("%s: %w", path.Base(partial.Failed.Source.Path), partial.Err)
	}
	steps := make([]Step, len(results))
	for i, result := range results {
		steps[i] = Step{
			Version: result.Source.Version,
			Name:    path.Base(result.Source.Path),
			Applied: result.Direction == "up",
			Took:    result.Duration,
		}
	}
	if err != nil {
		return steps, fmt.Errorf("migrate %s: %w", d.name, err)
	}
	return steps, nil
}
