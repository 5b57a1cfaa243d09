package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Users keeps the users of the organization of a call.
type Users interface {
	Touched
	User(ctx context.Context, user queryserver.UserRef) (queryserver.User, error)
	Users(ctx context.Context, call *queryserver.Call, after queryserver.User, limit int) ([]queryserver.User, error)
	UpdateUser(ctx context.Context, call *queryserver.Call, id tenant.ID, displayName *string, enabled *bool) error
	DeleteUser(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	Assign(ctx context.Context, call *queryserver.Call, id tenant.ID, role queryserver.Assignment) error
	Unassign(ctx context.Context, call *queryserver.Call, id tenant.ID, role queryserver.Assignment) error
	RemoveMember(ctx context.Context, call *queryserver.Call, id, from tenant.ID) error
}

const tagUsers = "Users"

type users struct{ store Users }

// UserRoutes are the users of an organization and the roles that they hold.
func UserRoutes(store Users) []httpapi.Route {
	u := &users{store}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/users" + path, ID: id, Tag: tagUsers, Summary: summary}
	}
	read, write := httpapi.Requires(queryserver.UsersRead), httpapi.Requires(queryserver.UsersWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listUsers", "List the users by e-mail address"), u.list),
		httpapi.JSON(read, at(http.MethodGet, "/{id}", "getUser", "Read a user"), u.get),
		httpapi.JSON(write, at(http.MethodPatch, "/{id}", "updateUser", "Change a user's name, or disable him"), u.update),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "deleteUser", "Delete a user"), u.delete),
		httpapi.JSON(read, at(http.MethodGet, "/{id}/roles", "listUserRoles", "List the roles that a user holds, by tenant"), u.roles),
		httpapi.JSON(write, at(http.MethodPut, "/{id}/tenants/{tenantId}/roles/{roleId}", "assignRole", "Give a user a role in a tenant"), u.assign),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}/tenants/{tenantId}/roles/{roleId}", "unassignRole", "Take a role away"), u.unassign),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}/tenants/{tenantId}", "removeMember", "End a user's membership of a tenant"), u.removeMember),
	}
}

// afterUser is the position of a page.
type afterUser struct {
	Email string
	ID    tenant.ID
}

type usersInput struct{ httpapi.Page }

func (u *users) list(ctx context.Context, call queryserver.Call, input *usersInput) (*httpapi.List[queryserver.User], error) {
	var after afterUser
	if _, err := input.After(ctx, &after); err != nil {
		return nil, err
	}
	rows, err := u.store.Users(ctx, &call, queryserver.User{Email: after.Email, ID: after.ID}, input.Limit+1)
	if err != nil {
		return nil, err
	}
	return httpapi.NewList(ctx, input.Page, rows, func(user queryserver.User) any { return afterUser{user.Email, user.ID} })
}

func (u *users) get(ctx context.Context, call queryserver.Call, input *ByID) (*one[queryserver.User], error) {
	return oneOf(u.store.User(ctx, queryserver.UserRef{Organization: call.Scope.Organization(), User: input.ID}))
}

type userInput struct {
	ByID
	Body struct {
		DisplayName *string `json:"displayName,omitempty" maxLength:"200"`
		Enabled     *bool   `json:"enabled,omitempty"`
	}
}

func (u *users) mayTouch(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return mayTouch(ctx, u.store, call, id)
}

func (u *users) update(ctx context.Context, call queryserver.Call, input *userInput) (*struct{}, error) {
	if err := u.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, u.store.UpdateUser(ctx, &call, input.ID, input.Body.DisplayName, input.Body.Enabled)
}

func (u *users) delete(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := u.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, u.store.DeleteUser(ctx, &call, input.ID)
}

func (u *users) roles(ctx context.Context, call queryserver.Call, input *ByID) (*many[queryserver.Assignment], error) {
	return manyOf(u.store.Assignments(ctx, &call, input.ID))
}

// ByMember is the input of a route of a user in a tenant.
type ByMember struct {
	ByID
	TenantID tenant.ID `path:"tenantId" format:"uuid"`
}

type assignmentInput struct {
	ByMember
	RoleID tenant.ID `path:"roleId" format:"uuid"`
}

func (i *assignmentInput) assignment() queryserver.Assignment {
	return queryserver.Assignment{Role: i.RoleID, Tenant: i.TenantID}
}

func (u *users) assign(ctx context.Context, call queryserver.Call, input *assignmentInput) (*struct{}, error) {
	if err := mayPlace(ctx, u.store, &call, []queryserver.Assignment{input.assignment()}); err != nil {
		return nil, err
	}
	return nil, u.store.Assign(ctx, &call, input.ID, input.assignment())
}

func (u *users) unassign(ctx context.Context, call queryserver.Call, input *assignmentInput) (*struct{}, error) {
	if err := mayPlace(ctx, u.store, &call, []queryserver.Assignment{input.assignment()}); err != nil {
		return nil, err
	}
	return nil, u.store.Unassign(ctx, &call, input.ID, input.assignment())
}

func (u *users) removeMember(ctx context.Context, call queryserver.Call, input *ByMember) (*struct{}, error) {
	if err := mayManage(ctx, u.store, &call, queryserver.UsersWrite, input.TenantID); err != nil {
		return nil, err
	}
	if err := u.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, u.store.RemoveMember(ctx, &call, input.ID, input.TenantID)
}
