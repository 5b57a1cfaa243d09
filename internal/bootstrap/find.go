package bootstrap

import (
	"context"
	"fmt"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// FindOrganization returns the organization of that name or ID.
func FindOrganization(ctx context.Context, pool *postgres.Pool, nameOrID string) (Organization, error) {
	list, err := ListOrganizations(ctx, pool)
	if err != nil {
		return Organization{}, err
	}
	for _, one := range list {
		if named(nameOrID, one.ID, one.Name) {
			return one, nil
		}
	}
	return Organization{}, fmt.Errorf("the organization %s: %w", nameOrID, ErrNotFound)
}

// FindWorkspace returns the organization's workspace of that name or ID.
func FindWorkspace(ctx context.Context, pool *postgres.Pool, organization tenant.ID, nameOrID string) (Workspace, error) {
	list, err := ListWorkspaces(ctx, pool, organization)
	if err != nil {
		return Workspace{}, err
	}
	for _, one := range list {
		if named(nameOrID, one.ID, one.Name) {
			return one, nil
		}
	}
	return Workspace{}, fmt.Errorf("the workspace %s: %w", nameOrID, ErrNotFound)
}

// named compares names as their unique indexes do, without regard to case.
func named(nameOrID string, id tenant.ID, name string) bool {
	return strings.EqualFold(nameOrID, name) || strings.EqualFold(nameOrID, id.String())
}
