package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Store is safe for concurrent use.
type Store struct{ pool *postgres.Pool }

// New makes a store of a pool of the role postgres.App.
func New(pool *postgres.Pool) *Store { return &Store{pool: pool} }

// retryAfter is when to try again while PostgreSQL cannot be reached.
const retryAfter = 2 * time.Second

// in runs do in a transaction that sees one organization.
func (s *Store) in(ctx context.Context, organization tenant.ID, do func(q *dbgen.Queries) error) error {
	return problem(s.pool.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
		return do(dbgen.New(tx))
	}))
}

// call runs a function of the schema that needs no scope, and reads its rows.
func call[T any](ctx context.Context, s *Store, read pgx.RowToFunc[T], function string, arguments ...any) ([]T, error) {
	rows, err := s.pool.Call(ctx, function, arguments...)
	if err != nil {
		return nil, problem(fmt.Errorf("call %s: %w", function, err))
	}
	all, err := pgx.CollectRows(rows, read)
	if err != nil {
		return nil, problem(fmt.Errorf("call %s: %w", function, err))
	}
	return all, nil
}

// The conditions of PostgreSQL that say something to a caller:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	checkViolation      = "23514"
	notPrivileged       = "42501"
)

// problem gives an error of PostgreSQL the code that a client may hear.
func problem(err error) error {
	var known *queryserver.Error
	var failure *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return &queryserver.Error{Code: queryserver.NotFound, Message: "there is no such thing", Cause: err}
	case !errors.As(err, &failure):
		return &queryserver.Error{Code: queryserver.Unavailable, Message: "the metadata cannot be reached at the moment", RetryAfter: retryAfter, Cause: err}
	}
	switch failure.Code {
	case uniqueViolation:
		return &queryserver.Error{Code: queryserver.Conflict, Message: "there is one of that name already", Cause: err}
	case foreignKeyViolation, notPrivileged:
		return &queryserver.Error{Code: queryserver.NotFound, Message: "what it refers to does not exist", Cause: err}
	case checkViolation:
		return &queryserver.Error{Code: queryserver.Invalid, Message: "a value is outside of what is allowed", Cause: err}
	}
	switch failure.Code[:2] {
	case "08", "40", "53", "57": // the connection, a deadlock, resources, an administrator's intervention
		return &queryserver.Error{Code: queryserver.Unavailable, Message: "the metadata cannot be reached at the moment", RetryAfter: retryAfter, Cause: err}
	default:
		return err
	}
}

// audit writes an entry: who did what to whom. It is of the organization, and of no tenant.
func audit(ctx context.Context, q *dbgen.Queries, by queryserver.Subject, client queryserver.Client, action, subject, outcome string, detail map[string]any) error {
	return auditIn(ctx, q, tenant.ID{}, by, client, action, subject, outcome, detail)
}

// auditIn writes an entry with the tenant in which it was done; zero: in none.
func auditIn(ctx context.Context, q *dbgen.Queries, in tenant.ID, by queryserver.Subject, client queryserver.Client, action, subject, outcome string, detail map[string]any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("write the detail of an audit entry: %w", err)
	}
	if detail == nil {
		text = []byte("{}")
	}
	row := dbgen.InsertAuditParams{
		ActorKind: string(by.Kind), ActorID: by.ID, Action: action, Subject: subject, Outcome: outcome,
		ClientIp: address(client), Detail: text, RequestID: client.RequestID,
	}
	if !in.IsZero() {
		row.TenantID = &in
	}
	return q.InsertAudit(ctx, row)
}

func address(client queryserver.Client) *netip.Addr {
	if !client.IP.IsValid() {
		return nil
	}
	return &client.IP
}

// userSubject is a user who acts for himself.
func userSubject(user queryserver.UserRef) queryserver.Subject {
	return queryserver.Subject{Kind: queryserver.UserSubject, ID: user.User.String()}
}

// isNone says that a query found no row.
func isNone(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
