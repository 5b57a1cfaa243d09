package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	return s.state.ask(ctx, "default", "CREATE DATABASE IF NOT EXISTS "+databaseName, "Null", io.Discard)
}

func (s *stack) migrate(ctx context.Context) error {
	metadata, err := migrate.OpenPostgres(ctx, s.state.PostgresURL(databaseName))
	if err != nil {
		return err
	}
	if _, err = metadata.Up(ctx); err != nil {
		return errors.Join(err, metadata.Close())
	}
	telemetry, err := migrate.OpenClickHouse(ctx, s.state.EngineURL(databaseName), migrate.Cluster{})
	if err != nil {
		return errors.Join(err, metadata.Close())
	}
	_, err = telemetry.Up(ctx)
	return errors.Join(err, telemetry.Close(), metadata.Close())
}

// setPasswords lets our programs log in under roles of their own.
func (s *stack) setPasswords(ctx context.Context) error {
	url := s.state.PostgresURL(databaseName)
	return errors.Join(
		migrate.SetPassword(ctx, url, migrate.AppRole, s.state.AppPassword),
		migrate.SetPassword(ctx, url, migrate.IngestRole, s.state.IngestPassword))
}
