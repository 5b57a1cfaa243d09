package keyadmin

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Filter narrows a list to what is bound to, or inside, one thing. The zero
// Filter lists every organization's keys.
type Filter struct {
	Kind    Kind
	Binding tenant.ID
}

// binding is what a key can be bound to, with what it is in.
type binding struct {
	Organization      tenant.ID
	Workspace, Tenant *tenant.ID
}

const selectKeys = `SELECT k.key_id, k.name, k.organization_id, k.workspace_id, k.tenant_id, k.permissions,
		k.requests_per_minute, k.items_per_second, k.bytes_per_second, k.created_at, k.expires_at, k.revoked_at,
		CASE WHEN k.previous_until > now() THEN k.previous_until END, u.last_used_at
	FROM api_keys k LEFT JOIN api_key_usage u ON u.key_id = k.key_id`

// List returns keys, revoked ones included, oldest first within an organization.
func (a *Admin) List(ctx context.Context, filter Filter) ([]Key, error) {
	within, err := a.resolve(ctx, filter)
	if err != nil {
		return nil, err
	}
	keys := []Key{}
	for _, bound := range within {
		err := a.in(ctx, bound.Organization, func(tx pgx.Tx) error {
			found, err := query(ctx, tx, ` WHERE ($1::uuid IS NULL OR k.workspace_id = $1) AND ($2::uuid IS NULL OR k.tenant_id = $2)
				ORDER BY k.created_at, k.key_id`, bound.Workspace, bound.Tenant)
			keys = append(keys, found...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (a *Admin) resolve(ctx context.Context, filter Filter) ([]binding, error) {
	if filter != (Filter{}) {
		bound, err := a.findBinding(ctx, filter.Kind, filter.Binding)
		return []binding{bound}, err
	}
	if !a.within.IsZero() {
		return []binding{{Organization: a.within}}, nil
	}
	rows, _ := a.pool.Call(ctx, "list_organizations") // CollectRows returns its error
	within, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bound binding, err error) {
		return bound, row.Scan(&bound.Organization, nil, nil)
	})
	if err != nil {
		return nil, fmt.Errorf("list the organizations: %w", err)
	}
	return within, nil
}

func (a *Admin) findBinding(ctx context.Context, kind Kind, id tenant.ID) (binding, error) {
	rows, _ := a.pool.Call(ctx, "find_binding", string(kind), id) // CollectExactlyOneRow returns its error
	bound, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[binding])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !a.reaches(bound.Organization) {
		return binding{}, ErrNoBinding
	}
	if err != nil {
		return binding{}, fmt.Errorf("find the %s: %w", kind, err)
	}
	return bound, nil
}

func one(ctx context.Context, tx pgx.Tx, id apikey.ID) (Key, error) {
	keys, err := query(ctx, tx, " WHERE k.key_id = $1", id.String())
	if err != nil {
		return Key{}, err
	}
	if len(keys) != 1 {
		return Key{}, ErrNotFound
	}
	return keys[0], nil
}

func query(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]Key, error) {
	rows, _ := tx.Query(ctx, selectKeys+where, args...) // CollectRows returns its error
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Key, error) {
		var k Key
		err := row.Scan(&k.ID, &k.Name, &k.Organization, &k.Workspace, &k.Tenant, &k.Permissions,
			&k.Limits.RequestsPerMinute, &k.Limits.ItemsPerSecond, &k.Limits.BytesPerSecond, &k.CreatedAt, &k.ExpiresAt,
			&k.RevokedAt, &k.PreviousUntil, &k.LastUsedAt)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	return keys, nil
}
