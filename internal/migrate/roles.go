package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles are the cluster's, not the database's, so they may exist already.
// They get no password here: a role without one logs in by peer, certificate or
// trust only.
const (
	OwnerRole  = "telemetryflow_owner"
	AppRole    = "telemetryflow_app"
	IngestRole = "telemetryflow_ingest"
)

// ensureRoles creates what is missing before the first migration, as the URL's
// own user. It changes nothing where nothing is missing.
func ensureRoles(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	missing, err := missingGrants(ctx, conn)
	if err != nil {
		return err
	}
	for i, statement := range missing {
		if _, err := conn.Exec(ctx, statement); err != nil && !alreadyDone(err) {
			return fmt.Errorf("%s: %w\nan administrator of the database has to run:\n\n  %s",
				statement, err, strings.Join(missing[i:], ";\n  "))
		}
	}
	return checkRoles(ctx, conn)
}

// missingGrants is the SQL that would make the server ready for migrations.
func missingGrants(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	var missing []string
	for _, role := range []string{OwnerRole, AppRole, IngestRole} {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&exists); err != nil {
			return nil, fmt.Errorf("look for the role %s: %w", role, err)
		}
		if !exists {
			missing = append(missing, "CREATE ROLE "+role+" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB")
		}
	}
	const owner = "(SELECT oid FROM pg_roles WHERE rolname = '" + OwnerRole + "')"
	var user string
	var member, schema bool
	err := conn.QueryRow(ctx, `SELECT current_user,
		COALESCE(pg_has_role(current_user, `+owner+`, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), FALSE),
		COALESCE(has_schema_privilege(`+owner+`, 'public', 'CREATE')
			AND has_schema_privilege(`+owner+`, 'public', 'USAGE WITH GRANT OPTION'), FALSE)`).Scan(&user, &member, &schema)
	if err != nil {
		return nil, fmt.Errorf("read the privileges of %s: %w", OwnerRole, err)
	}
	// A superuser is a member of everything, also of a role that is yet to be created.
	var super bool
	if err := conn.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil {
		return nil, fmt.Errorf("read the attributes of %s: %w", user, err)
	}
	if !member && !super {
		missing = append(missing, "GRANT "+OwnerRole+" TO "+pgx.Identifier{user}.Sanitize())
	}
	var operates bool
	if err := conn.QueryRow(ctx, "SELECT COALESCE(pg_has_role("+owner+", (SELECT oid FROM pg_roles WHERE rolname = $1), 'MEMBER'), FALSE)",
		AppRole).Scan(&operates); err != nil {
		return nil, fmt.Errorf("read the privileges of %s: %w", OwnerRole, err)
	}
	if !operates { // so that an operator with the owner's URL can also create tenants
		missing = append(missing, "GRANT "+AppRole+" TO "+OwnerRole)
	}
	if !schema {
		missing = append(missing,
			"GRANT CREATE, USAGE ON SCHEMA public TO "+OwnerRole+" WITH GRANT OPTION",
			"REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	}
	return missing, nil
}

// alreadyDone is true when another run, perhaps for another database of the same
// server, was faster.
func alreadyDone(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return false
	}
	return failure.Code == "42710" || // duplicate_object
		failure.Code == "23505" || // unique_violation on pg_authid, in the same instant
		failure.Message == "tuple concurrently updated"
}

// checkRoles refuses roles that row-level security would not bind.
func checkRoles(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT rolname FROM pg_roles
		WHERE (rolname = ANY($1) AND (rolsuper OR rolbypassrls))
		   OR (rolname = ANY($1[2:]) AND pg_has_role(oid, $1[1], 'MEMBER'))`, []string{OwnerRole, AppRole, IngestRole})
	if err != nil {
		return fmt.Errorf("check the roles: %w", err)
	}
	unsafe, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("check the roles: %w", err)
	}
	if len(unsafe) > 0 {
		return fmt.Errorf("row-level security would not bind %s: take SUPERUSER, BYPASSRLS and membership in %s from it",
			strings.Join(unsafe, ", "), OwnerRole)
	}
	return nil
}
