package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

var (
	// ErrExists means that the name is taken where it must be unique.
	ErrExists = errors.New("the name is taken")
	// ErrNotFound means that there is no such thing, or not any more.
	ErrNotFound = errors.New("not found")
)

// Organization is a customer of the installation.
type Organization struct {
	ID      tenant.ID
	Name    string
	Created time.Time
}

// Workspace is a part of an organization.
type Workspace struct {
	ID      tenant.ID
	Name    string
	Created time.Time
}

// Tenant is the unit of isolation, in a workspace.
type Tenant struct {
	ID        tenant.ID
	Workspace tenant.ID
	Name      string
	Created   time.Time
}

// CreateOrganization returns the ID of a new organization.
func CreateOrganization(ctx context.Context, pool *postgres.Pool, name string) (tenant.ID, error) {
	id, err := callOne[tenant.ID](ctx, pool, "create_organization", name)
	return id, explain("create the organization "+name, err)
}

// ListOrganizations returns all organizations by name.
func ListOrganizations(ctx context.Context, pool *postgres.Pool) ([]Organization, error) {
	rows, err := pool.Call(ctx, "list_organizations")
	if err != nil {
		return nil, explain("list the organizations", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Organization])
	return list, explain("list the organizations", err)
}

// DeleteOrganization soft-deletes an organization with all that is in it.
func DeleteOrganization(ctx context.Context, pool *postgres.Pool, id tenant.ID) error {
	found, err := callOne[bool](ctx, pool, "delete_organization", id)
	return explain("delete the organization "+id.String(), orNotFound(found, err))
}

// CreateWorkspace returns the ID of a new workspace of the organization.
func CreateWorkspace(ctx context.Context, pool *postgres.Pool, organization tenant.ID, name string) (tenant.ID, error) {
	id, err := inScope[tenant.ID](ctx, pool, organization,
		"INSERT INTO workspaces (organization_id, name) VALUES ($1, $2) RETURNING workspace_id", organization, name)
	return id, explain("create the workspace "+name, err)
}

// ListWorkspaces returns the organization's workspaces by name.
func ListWorkspaces(ctx context.Context, pool *postgres.Pool, organization tenant.ID) ([]Workspace, error) {
	var list []Workspace
	err := pool.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT workspace_id, name, created_at FROM workspaces ORDER BY lower(name)")
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Workspace])
		return err
	})
	return list, explain("list the workspaces", err)
}

// DeleteWorkspace soft-deletes a workspace with its tenants.
func DeleteWorkspace(ctx context.Context, pool *postgres.Pool, organization, id tenant.ID) error {
	found, err := inScope[bool](ctx, pool, organization, "SELECT delete_workspace($1)", id)
	return explain("delete the workspace "+id.String(), orNotFound(found, err))
}

// CreateTenant returns the ID of a new tenant in the workspace.
func CreateTenant(ctx context.Context, pool *postgres.Pool, organization, workspace tenant.ID, name string) (tenant.ID, error) {
	id, err := inScope[tenant.ID](ctx, pool, organization,
		"INSERT INTO tenants (organization_id, workspace_id, name) VALUES ($1, $2, $3) RETURNING tenant_id",
		organization, workspace, name)
	return id, explain("create the tenant "+name, err)
}

// ListTenants returns the organization's tenants by workspace and name.
func ListTenants(ctx context.Context, pool *postgres.Pool, organization tenant.ID) ([]Tenant, error) {
	var list []Tenant
	err := pool.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT tenant_id, workspace_id, name, created_at FROM tenants ORDER BY workspace_id, lower(name)")
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Tenant])
		return err
	})
	return list, explain("list the tenants", err)
}

// DeleteTenant soft-deletes a tenant.
func DeleteTenant(ctx context.Context, pool *postgres.Pool, organization, id tenant.ID) error {
	found, err := inScope[bool](ctx, pool, organization, "SELECT delete_tenant($1)", id)
	return explain("delete the tenant "+id.String(), orNotFound(found, err))
}

func callOne[T any](ctx context.Context, pool *postgres.Pool, function string, arguments ...any) (T, error) {
	rows, err := pool.Call(ctx, function, arguments...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

func inScope[T any](ctx context.Context, pool *postgres.Pool, organization tenant.ID, sql string, arguments ...any) (T, error) {
	var result T
	err := pool.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sql, arguments...).Scan(&result)
	})
	return result, err
}

func orNotFound(found bool, err error) error {
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

// explain names the step, and puts what an operator can mend into plain words.
func explain(step string, err error) error {
	if err == nil {
		return nil
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		switch failure.Code {
		case "23505": // unique_violation
			err = ErrExists
		case "23503": // foreign_key_violation: the parent
			err = fmt.Errorf("its parent: %w", ErrNotFound)
		case "23514": // check_violation
			err = errors.New("a name has 1 to 200 characters")
		}
	}
	return fmt.Errorf("%s: %w", step, err)
}
