package localstack

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// install brings both databases to this program's schema and makes, on the first
// run, a tenant with a key for the user and one for the system itself.
func (s *stack) install(ctx context.Context) error {
	if err := s.createDatabases(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.setPasswords(ctx); err != nil {
		return err
	}
	return s.makeKeys(ctx)
}

func (s *stack) createDatabases(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.state.PostgresURL("postgres"))
	if err != nil {
		return fmt.Errorf("create the PostgreSQL database: %w", err)
	}
	defer conn.Close(ctx)
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
	}
	if err != nil {
		return fmt.Errorf("create the PostgreSQL database: %w", err)
	}
	return nil
}

func (s *stack) migrate(ctx context.Context) error {
	postgres, err := migrate.OpenPostgres(ctx, s.state.PostgresURL(databaseName))
	if err != nil {
		return err
	}
	_, err = postgres.Up(ctx)
	return errors.Join(err, postgres.Close())
}

// setPasswords lets our programs log in under roles of their own. The passwords
// are of our making (base32), so that quoting them is safe.
func (s *stack) setPasswords(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.state.PostgresURL(databaseName))
	if err != nil {
		return fmt.Errorf("set the passwords of the database roles: %w", err)
	}
	defer conn.Close(ctx)
	for _, statement := range [...]string{
		"ALTER ROLE " + appRole + " PASSWORD '" + s.state.AppPassword + "'",
		"ALTER ROLE " + ingestRole + " PASSWORD '" + s.state.IngestPassword + "'",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("set the passwords of the database roles: %w", err)
		}
	}
	return nil
}
