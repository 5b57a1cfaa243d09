package resource

import (
	"context"
	"slices"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// mayPlace refuses roles in tenants where the caller may not bring users in, or which he
// lacks himself.
func mayPlace(ctx context.Context, authority Authority, call *queryserver.Call, roles []queryserver.Assignment) error {
	if err := mayManage(ctx, authority, call, queryserver.UsersWrite, tenantsIn(roles)...); err != nil {
		return err
	}
	return mayAssign(ctx, authority, call, roles)
}

// mayOwn refuses what is for Owners only: the caller must have everything that an Owner
// has in each of some tenants.
func mayOwn(ctx context.Context, authority Authority, call *queryserver.Call, tenants ...tenant.ID) error {
	owner, err := authority.Role(ctx, call, queryserver.RoleOwner)
	if err != nil {
		return err
	}
	err = mayGive(ctx, authority, call, owner.Permissions, tenants...)
	if err != nil && queryserver.CodeOf(err) == queryserver.Forbidden {
		return queryserver.Errorf(queryserver.Forbidden, "this is for who is Owner in every tenant concerned")
	}
	return err
}

// mayOwnTenant is mayOwn of one tenant; NotFound: it is none of the organization's.
func mayOwnTenant(ctx context.Context, authority Authority, call *queryserver.Call, id tenant.ID) error {
	tenants, err := tenantsOf(ctx, authority, call, nil)
	if err != nil {
		return err
	}
	if !slices.Contains(tenants, id) {
		return queryserver.Errorf(queryserver.NotFound, "there is no such tenant")
	}
	return mayOwn(ctx, authority, call, id)
}

// Touched says what a user has, and what the caller has who would change him.
type Touched interface {
	Authority
	Assignments(ctx context.Context, call *queryserver.Call, id tenant.ID) ([]queryserver.Assignment, error)
}

// mayTouch refuses changes of a user who may do more than the caller.
func mayTouch(ctx context.Context, users Touched, call *queryserver.Call, id tenant.ID) error {
	held, err := users.Assignments(ctx, call, id)
	if err != nil {
		return err
	}
	return mayPlace(ctx, users, call, held)
}
