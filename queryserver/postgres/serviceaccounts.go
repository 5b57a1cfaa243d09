package postgres

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// ServiceAccounts lists the organization's service accounts.
func (s *Store) ServiceAccounts(ctx context.Context, call *queryserver.Call) (all []queryserver.ServiceAccount, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListServiceAccounts(ctx)
		for _, row := range rows {
			all = append(all, queryserver.ServiceAccount{ID: row.ServiceAccountID, Name: row.Name, Enabled: row.IsEnabled, CreatedAt: row.CreatedAt})
		}
		return err
	})
	return all, err
}

// ServiceAccount reads one, with its roles.
func (s *Store) ServiceAccount(ctx context.Context, call *queryserver.Call, id tenant.ID) (account queryserver.ServiceAccount, roles []queryserver.Assignment, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		row, err := q.GetServiceAccount(ctx, id)
		if err != nil {
			return err
		}
		account = queryserver.ServiceAccount{ID: row.ServiceAccountID, Name: row.Name, Enabled: row.IsEnabled, CreatedAt: row.CreatedAt}
		held, err := q.ListServiceAccountRoles(ctx, id)
		for _, role := range held {
			roles = append(roles, queryserver.Assignment{Role: role.RoleID, Tenant: role.TenantID})
		}
		return err
	})
	return account, roles, err
}

// CreateServiceAccount makes one with its roles.
func (s *Store) CreateServiceAccount(ctx context.Context, call *queryserver.Call, name string, roles []queryserver.Assignment) (id tenant.ID, err error) {
	err = s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if id, err = q.InsertServiceAccount(ctx, name); err != nil {
			return change{}, err
		}
		return change{"service_account.create", id.String(), map[string]any{"name": name, "roles": roles}}, holdRoles(ctx, q, id, roles)
	})
	return id, err
}

// UpdateServiceAccount replaces its name, its state and its roles.
func (s *Store) UpdateServiceAccount(ctx context.Context, call *queryserver.Call, account queryserver.ServiceAccount, roles []queryserver.Assignment) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		if err := found(q.UpdateServiceAccount(ctx, account.ID, account.Name, account.Enabled)); err != nil {
			return change{}, err
		}
		if err := q.ClearServiceAccountRoles(ctx, account.ID); err != nil {
			return change{}, err
		}
		detail := map[string]any{"name": account.Name, "enabled": account.Enabled, "roles": roles}
		return change{"service_account.update", account.ID.String(), detail}, holdRoles(ctx, q, account.ID, roles)
	})
}

func holdRoles(ctx context.Context, q *dbgen.Queries, id tenant.ID, roles []queryserver.Assignment) error {
	for _, role := range roles {
		if err := q.AddServiceAccountRole(ctx, id, role.Role, role.Tenant); err != nil {
			return err
		}
	}
	return nil
}

// DeleteServiceAccount deletes one with its tokens.
func (s *Store) DeleteServiceAccount(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"service_account.delete", id.String(), nil}, found(q.DeleteServiceAccount(ctx, id))
	})
}

// Tokens lists the tokens of a service account.
func (s *Store) Tokens(ctx context.Context, call *queryserver.Call, account tenant.ID) (all []queryserver.Token, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		if _, err := q.GetServiceAccount(ctx, account); err != nil {
			return err
		}
		rows, err := q.ListTokens(ctx, account)
		for _, row := range rows {
			all = append(all, queryserver.Token{
				ID: row.TokenID, Name: row.Name, CreatedAt: row.CreatedAt,
				ExpiresAt: row.ExpiresAt, RevokedAt: row.RevokedAt, LastUsedAt: row.LastUsedAt,
			})
		}
		return err
	})
	return all, err
}

// CreateToken keeps a token of a service account under its hash.
func (s *Store) CreateToken(ctx context.Context, call *queryserver.Call, account tenant.ID, token *queryserver.Token, hash queryserver.Hash) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		var err error
		token.ID, err = q.InsertToken(ctx, account, token.Name, hash[:], token.ExpiresAt)
		return change{"service_account.create_token", account.String(), map[string]any{"tokenId": token.ID, "name": token.Name}}, err
	})
}

// RevokeToken ends a token.
func (s *Store) RevokeToken(ctx context.Context, call *queryserver.Call, account, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"service_account.revoke_token", account.String(), map[string]any{"tokenId": id}}, found(q.RevokeToken(ctx, id, account))
	})
}
