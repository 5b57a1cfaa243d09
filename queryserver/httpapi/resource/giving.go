package resource

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Authority says what a caller has, so that he gives nobody more than that: else the
// right to change users, roles or keys would be every right.
type Authority interface {
	Grants(ctx context.Context, call *queryserver.Call) ([]queryserver.Grant, error)
	Role(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Role, error)
	Tenants(ctx context.Context, call *queryserver.Call, workspace *tenant.ID) ([]queryserver.Tenant, error)
}

// mayGive refuses permissions that the caller does not have himself in every one of some
// tenants, for all of the data there.
func mayGive(ctx context.Context, authority Authority, call *queryserver.Call, permissions []queryserver.Permission, tenants ...tenant.ID) error {
	grants, err := authority.Grants(ctx, call)
	if err != nil {
		return err
	}
	for _, in := range tenants {
		if lacking := queryserver.Lacks(grants, in, permissions); lacking != "" {
			return queryserver.Errorf(queryserver.Forbidden, "you cannot give or take the permission %s, which you do not have yourself in that tenant", lacking)
		}
	}
	return nil
}

// mayAssign does so with roles in tenants.
func mayAssign(ctx context.Context, authority Authority, call *queryserver.Call, roles []queryserver.Assignment) error {
	for _, assigned := range roles {
		role, err := authority.Role(ctx, call, assigned.Role)
		if err != nil {
			return err
		}
		if err := mayGive(ctx, authority, call, role.Permissions, assigned.Tenant); err != nil {
			return err
		}
	}
	return nil
}

// tenantsOf are the tenants of a workspace; nil is all of the organization.
func tenantsOf(ctx context.Context, authority Authority, call *queryserver.Call, workspace *tenant.ID) ([]tenant.ID, error) {
	tenants, err := authority.Tenants(ctx, call, workspace)
	ids := make([]tenant.ID, len(tenants))
	for i := range tenants {
		ids[i] = tenants[i].ID
	}
	return ids, err
}
