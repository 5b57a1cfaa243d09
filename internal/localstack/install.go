package localstack

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// Key is an API key with its secret.
type Key struct {
	ID     string
	Secret string
}

// install brings both databases to this program's schema and makes, once, the
// first organization, workspace, tenant and key, and the system's own.
func (s *stack) install(ctx context.Context) error {
	admin := s.state.PostgresURL(databaseName)
	return firstError(
		func() error { return describe("create the database", s.createDatabase(ctx)) },
		func() error { return s.migratePostgres(ctx, admin) },
		func() error { return describe("set the password of "+ingestRole, s.setPassword(ctx, admin)) },
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.state.PostgresURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
	return err
}

func (s *stack) migratePostgres(ctx context.Context, url string) error {
	database, err := migrate.OpenPostgres(ctx, url)
	if err != nil {
		return err
	}
	_, err = database.Up(ctx)
	return errors.Join(err, database.Close())
}

// setPassword lets the collector log in under a role of its own. The password is
// of our making (base32), so that quoting it is safe.
func (s *stack) setPassword(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "ALTER ROLE "+ingestRole+" PASSWORD '"+s.state.IngestPassword+"'")
	return err
}
