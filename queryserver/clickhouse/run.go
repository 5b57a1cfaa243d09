package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ask runs a SELECT of a reading when it is its tenant's turn, and gives each row to a
// function.
func (s *Store) ask(ctx context.Context, r *reading, query chsql.Select, row func(driver.Rows) error) error {
	leave, err := s.gate.enter(ctx, r.in.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	if !s.known.Load() {
		if err := s.CheckSchema(ctx); err != nil {
			s.logger.WarnContext(ctx, "ClickHouse cannot be asked.", slog.Any("error", err))
			return unavailable(err)
		}
	}
	statement := query.Statement()
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(statement.Parameters))
	rows, err := s.conn.Query(ctx, statement.SQL)
	if err != nil {
		return s.problem(ctx, statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return fmt.Errorf("read a row of ClickHouse: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.problem(ctx, statement, err)
	}
	return nil
}

// collect runs a SELECT and scans its rows.
func collect[T any](ctx context.Context, s *Store, r *reading, query chsql.Select, scan func(rows driver.Rows, into *T) error) ([]T, error) {
	var all []T
	err := s.ask(ctx, r, query, func(rows driver.Rows) error {
		var one T
		if err := scan(rows, &one); err != nil {
			return err
		}
		all = append(all, one)
		return nil
	})
	return all, err
}

// tooMuch are the codes of ClickHouse for a question that costs more than it may
// (src/Common/ErrorCodes.cpp).
var tooMuch = map[int32]bool{ //nolint:gochecknoglobals // a constant
	158: true, // TOO_MANY_ROWS
	159: true, // TIMEOUT_EXCEEDED
	160: true, // TOO_SLOW
	241: true, // MEMORY_LIMIT_EXCEEDED
	307: true, // TOO_MANY_BYTES
	396: true, // TOO_MANY_ROWS_OR_BYTES
}

// cannotCompileRegexp is CANNOT_COMPILE_REGEXP: RE2 bounds the memory of an expression.
const cannotCompileRegexp = 427

// engineRetry is when to ask again while the engine cannot be reached.
const engineRetry = 2 * time.Second

// problem gives an error of ClickHouse the code that a client may hear. The log gets the
// statement without the values.
func (s *Store) problem(ctx context.Context, statement chsql.Statement, err error) error {
	var exception *clickhouse.Exception
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &exception):
		return unavailable(err)
	case exception.Code == cannotCompileRegexp:
		return searchFault("a regular expression", "is too large for the engine")
	case tooMuch[exception.Code]:
		return &queryserver.Error{Code: queryserver.Invalid, Message: "the query costs too much: take a shorter time range or more filters", Cause: err}
	}
	s.logger.ErrorContext(ctx, "ClickHouse has refused a statement.", slog.String("statement", statement.SQL), slog.Int("code", int(exception.Code)), slog.String("exception", exception.Name))
	return fmt.Errorf("ask ClickHouse: %w", err)
}

func unavailable(err error) error {
	return &queryserver.Error{Code: queryserver.Unavailable, Message: "the telemetry cannot be reached at the moment", RetryAfter: engineRetry, Cause: err}
}
