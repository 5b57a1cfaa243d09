package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// ErrNoScope means that a scope names no organization.
var ErrNoScope = errors.New("the scope names no organization")

// Scope is what a transaction can see: an organization, or one tenant of it.
type Scope struct {
	organization tenant.ID
	tenant       tenant.ID // zero: all tenants of the organization
}

// Organization is the scope of an organization with all its tenants.
func Organization(id tenant.ID) Scope { return Scope{organization: id} }

// Tenant is the scope of one tenant of an organization.
func Tenant(organization, id tenant.ID) Scope { return Scope{organization: organization, tenant: id} }

// InScope runs do in a transaction that sees and writes the scope's rows only.
// It commits when do returns nil, and else rolls back and returns do's error.
func (p *Pool) InScope(ctx context.Context, scope Scope, do func(tx pgx.Tx) error) error {
	if scope.organization.IsZero() {
		return ErrNoScope
	}
	narrowed := ""
	if !scope.tenant.IsZero() {
		narrowed = scope.tenant.String()
	}
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// The third argument ends the settings with the transaction, so that a
		// connection goes back to the pool without a scope.
		_, err := tx.Exec(ctx, `SELECT set_config('telemetryflow.organization_id', $1, true),
			set_config('telemetryflow.tenant_id', $2, true)`, scope.organization.String(), narrowed)
		if err != nil {
			return fmt.Errorf("set the scope: %w", err)
		}
		return do(tx)
	})
}
