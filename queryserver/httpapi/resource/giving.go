package resource

import (
	"context"
	"slices"

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

// mayManage refuses callers who lack a permission in one of some tenants. A route asks for
// it where the call acts, and what is to be changed may be elsewhere. NotFound: a tenant is
// none of the organization's.
func mayManage(ctx context.Context, authority Authority, call *queryserver.Call, permission queryserver.Permission, tenants ...tenant.ID) error {
	known, err := tenantsOf(ctx, authority, call, nil)
	if err != nil {
		return err
	}
	held, err := heldIn(ctx, authority, call, permission)
	if err != nil {
		return err
	}
	for _, in := range tenants {
		if !slices.Contains(known, in) {
			return queryserver.Errorf(queryserver.NotFound, "there is no such tenant")
		}
		if !slices.Contains(held, in) {
			return queryserver.Errorf(queryserver.Forbidden, "this needs the permission %s in every tenant that it concerns", permission)
		}
	}
	return nil
}

// mayManageOne refuses callers who lack a permission in all of some tenants, beside which
// they make something new. Where there is none, nobody is concerned.
func mayManageOne(ctx context.Context, authority Authority, call *queryserver.Call, permission queryserver.Permission, tenants []tenant.ID) error {
	held, err := heldIn(ctx, authority, call, permission)
	if err != nil {
		return err
	}
	if len(tenants) > 0 && !slices.ContainsFunc(tenants, func(in tenant.ID) bool { return slices.Contains(held, in) }) {
		return queryserver.Errorf(queryserver.Forbidden, "this needs the permission %s in a tenant of the workspace", permission)
	}
	return nil
}

// mayManageAll is mayManage of what is of the organization as a whole.
func mayManageAll(ctx context.Context, authority Authority, call *queryserver.Call, permission queryserver.Permission) error {
	all, err := tenantsOf(ctx, authority, call, nil)
	if err != nil {
		return err
	}
	return mayManage(ctx, authority, call, permission, all...)
}

// everywhere lets a handler run for callers who have a permission in every tenant.
func everywhere[Input, Output any](authority Authority, permission queryserver.Permission,
	handle func(context.Context, queryserver.Call, *Input) (*Output, error),
) func(context.Context, queryserver.Call, *Input) (*Output, error) {
	return func(ctx context.Context, call queryserver.Call, input *Input) (*Output, error) {
		if err := mayManageAll(ctx, authority, &call, permission); err != nil {
			return nil, err
		}
		return handle(ctx, call, input)
	}
}

// heldIn are the tenants in which the caller has a permission.
func heldIn(ctx context.Context, authority Authority, call *queryserver.Call, permission queryserver.Permission) (tenants []tenant.ID, err error) {
	grants, err := authority.Grants(ctx, call)
	for _, grant := range grants {
		if slices.Contains(grant.Permissions, permission) {
			tenants = append(tenants, grant.Tenant.Tenant)
		}
	}
	return tenants, err
}

// tenantsIn are the tenants of roles.
func tenantsIn(roles []queryserver.Assignment) []tenant.ID {
	tenants := make([]tenant.ID, len(roles))
	for i, role := range roles {
		tenants[i] = role.Tenant
	}
	return tenants
}

// mayAssign refuses roles in tenants by the same rule as mayGive.
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
