//go:build linux

package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

const engineUser = "telemetryflow"

// Engine is the embedded ClickHouse.
type Engine struct {
	PID      int
	address  *url.URL
	password string
}

// URL is where a client finds a database, with its credentials.
func (e *Engine) URL(database string) string {
	return e.address.JoinPath(database).String()
}

// Do runs a statement with more URL parameters and an optional body, and returns
// its answer.
func (e *Engine) Do(ctx context.Context, database, statement string, parameters url.Values, body io.Reader) ([]byte, error) {
	query := url.Values{"database": {database}, "query": {statement}, "wait_end_of_query": {"1"}}
	for name, values := range parameters {
		query[name] = values
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.address.Host+"/?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(engineUser, e.password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the engine: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the engine's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the engine refuses %.80q: %s", statement, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

// Exec runs a statement.
func (e *Engine) Exec(ctx context.Context, database, statement string) error {
	_, err := e.Do(ctx, database, statement, nil, nil)
	return err
}

// Lines runs a query and returns its rows, tab-separated.
func (e *Engine) Lines(ctx context.Context, database, query string) ([]string, error) {
	answer, err := e.Do(ctx, database, query, url.Values{"default_format": {"TabSeparated"}}, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(answer))
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

// Int runs a query for one number.
func (e *Engine) Int(ctx context.Context, database, query string) (int64, error) {
	lines, err := e.Lines(ctx, database, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.Join(lines, ""), 10, 64)
}

// Migrate makes a database with TelemetryFlow's tables.
func (e *Engine) Migrate(ctx context.Context, database string) error {
	if err := e.Exec(ctx, "default", "CREATE DATABASE "+database); err != nil {
		return err
	}
	schema, err := migrate.OpenClickHouse(ctx, e.URL(database), migrate.Cluster{})
	if err != nil {
		return err
	}
	defer schema.Close()
	_, err = schema.Up(ctx)
	return err
}

// Drop removes a database with its files.
func (e *Engine) Drop(ctx context.Context, database string) error {
	return e.Exec(ctx, "default", "DROP DATABASE "+database+" SYNC")
}

// Merge makes one part of each partition of every table, with its indexes.
func (e *Engine) Merge(ctx context.Context, database string) error {
	tables, err := e.Lines(ctx, database, "SELECT DISTINCT table FROM system.parts WHERE active AND database = currentDatabase()")
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := e.Exec(ctx, database, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is the space on disk of the database's tables, indexes included.
func (e *Engine) Bytes(ctx context.Context, database string) (int64, error) {
	return e.Int(ctx, database, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()")
}
