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

// The organization is named although row-level security holds it, because an
// administrator is not bound by that.
const selectKeys = `SELECT k.key_id, k.name, k.organization_id, k.workspace_id, k.tenant_id, k.permissions,
		k.requests_per_minute, k.items_per_second, k.bytes_per_second, k.created_at, k.expires_at, k.revoked_at,
		CASE WHEN k.previous_until > now() THEN k.previous_until END, u.last_used_at
	FROM api_keys k LEFT JOIN api_key_usage u ON u.key_id = k.key_id
	WHERE k.organization_id = $1`

// List returns keys, revoked ones included, oldest first within an organization.
func (a *Admin) List(ctx context.Context, filter Filter) ([]Key, error) {
	keys := []Key{}
	err := a.do(ctx, func(tx pgx.Tx) error {
		organizations, workspace, only, err := resolve(ctx, tx, filter)
		if err != nil {
			return err
		}
		for _, organization := range organizations {
			if err := enter(ctx, tx, organization); err != nil {
				return err
			}
			found, err := query(ctx, tx, ` AND ($2::uuid IS NULL OR k.workspace_id = $2) AND ($3::uuid IS NULL OR k.tenant_id = $3)
				ORDER BY k.created_at, k.key_id`, organization, workspace, only)
			if err != nil {
				return err
			}
			keys = append(keys, found...)
		}
		return nil
	})
	return keys, err
}

func resolve(ctx context.Context, tx pgx.Tx, filter Filter) (organizations []tenant.ID, workspace, only *tenant.ID, err error) {
	if filter == (Filter{}) {
		rows, _ := tx.Query(ctx, "SELECT organization_id FROM list_organizations()") // CollectRows returns its error
		organizations, err = pgx.CollectRows(rows, pgx.RowTo[tenant.ID])
		if err != nil {
			err = fmt.Errorf("list the organizations: %w", err)
		}
		return organizations, nil, nil, err
	}
	var organization tenant.ID
	err = tx.QueryRow(ctx, "SELECT organization_id, workspace_id, tenant_id FROM find_binding($1, $2)",
		string(filter.Kind), filter.Binding).Scan(&organization, &workspace, &only)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, nil, ErrNoBinding
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("find the %s: %w", filter.Kind, err)
	}
	return []tenant.ID{organization}, workspace, only, nil
}

func one(ctx context.Context, tx pgx.Tx, organization tenant.ID, id apikey.ID) (Key, error) {
	keys, err := query(ctx, tx, " AND k.key_id = $2", organization, id.String())
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
