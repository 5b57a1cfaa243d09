package resource

import (
	"context"
	"net/http"
	"slices"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Organizations keeps the tree of the organization of a call.
type Organizations interface {
	Authority
	Organization(ctx context.Context, call *queryserver.Call) (queryserver.Organization, error)
	RenameOrganization(ctx context.Context, call *queryserver.Call, name string) error
	Policy(ctx context.Context, call *queryserver.Call) (queryserver.Policy, error)
	SetPolicy(ctx context.Context, call *queryserver.Call, policy queryserver.Policy) error
	Workspaces(ctx context.Context, call *queryserver.Call) ([]queryserver.Workspace, error)
	CreateWorkspace(ctx context.Context, call *queryserver.Call, name string) (queryserver.Workspace, error)
	RenameWorkspace(ctx context.Context, call *queryserver.Call, id tenant.ID, name string) error
	DeleteWorkspace(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	CreateTenant(ctx context.Context, call *queryserver.Call, workspace tenant.ID, name string) (queryserver.Tenant, error)
	RenameTenant(ctx context.Context, call *queryserver.Call, id tenant.ID, name string) error
	DeleteTenant(ctx context.Context, call *queryserver.Call, id tenant.ID) error
}

type organizations struct{ store Organizations }

// OrganizationRoutes are the organization, its policy, its workspaces and tenants. Whoever
// is proved sees the tree, which holds nothing but names. What takes something away from
// others, or changes it for all, is for who is Owner in every tenant concerned.
func OrganizationRoutes(store Organizations) []httpapi.Route {
	o := &organizations{store}
	at := func(method, path, id, tag, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/" + path, ID: id, Tag: tag, Summary: summary}
	}
	created := func(operation httpapi.Operation) httpapi.Operation {
		operation.Status = http.StatusCreated
		return operation
	}
	change := httpapi.Requires(queryserver.UsersWrite)
	const organization, workspaces, tenants = "Organization", "Workspaces", "Tenants"
	return []httpapi.Route{
		httpapi.JSON(httpapi.Authenticated(), at(http.MethodGet, "organization", "getOrganization", organization, "Read the organization"), o.organization),
		httpapi.JSON(change, at(http.MethodPatch, "organization", "updateOrganization", organization, "Rename the organization"), o.renameOrganization),
		httpapi.JSON(httpapi.Requires(queryserver.SSORead), at(http.MethodGet, "organization/policy", "getPolicy", organization, "Read what logins must prove"), o.policy),
		httpapi.JSON(httpapi.Requires(queryserver.SSOWrite), at(http.MethodPut, "organization/policy", "setPolicy", organization, "Change what logins must prove"), o.setPolicy),

		httpapi.JSON(httpapi.Authenticated(), at(http.MethodGet, "workspaces", "listWorkspaces", workspaces, "List the workspaces"), o.workspaces),
		httpapi.JSON(change, created(at(http.MethodPost, "workspaces", "createWorkspace", workspaces, "Make a workspace")), o.createWorkspace),
		httpapi.JSON(change, at(http.MethodPatch, "workspaces/{id}", "updateWorkspace", workspaces, "Rename a workspace"), o.renameWorkspace),
		httpapi.JSON(change, at(http.MethodDelete, "workspaces/{id}", "deleteWorkspace", workspaces, "Delete a workspace with its tenants"), o.deleteWorkspace),

		httpapi.JSON(httpapi.Authenticated(), at(http.MethodGet, "tenants", "listTenants", tenants, "List the tenants"), o.tenants),
		httpapi.JSON(change, created(at(http.MethodPost, "tenants", "createTenant", tenants, "Make a tenant")), o.createTenant),
		httpapi.JSON(change, at(http.MethodPatch, "tenants/{id}", "updateTenant", tenants, "Rename a tenant"), o.renameTenant),
		httpapi.JSON(change, at(http.MethodDelete, "tenants/{id}", "deleteTenant", tenants, "Delete a tenant"), o.deleteTenant),
	}
}

// one and many are outputs of a thing and of all things.
type one[T any] struct{ Body T }

type many[T any] struct {
	Body struct {
		Items []T `json:"items" nullable:"false"`
	}
}

func manyOf[T any](items []T, err error) (*many[T], error) {
	if err != nil {
		return nil, err
	}
	output := &many[T]{}
	if output.Body.Items = items; items == nil {
		output.Body.Items = []T{}
	}
	return output, nil
}

func oneOf[T any](item T, err error) (*one[T], error) {
	if err != nil {
		return nil, err
	}
	return &one[T]{item}, nil
}

// Named is the body of what has a name and nothing else to change.
type Named struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

type nameInput struct{ Body Named }

type renameInput struct {
	ByID
	Body Named
}

func (o *organizations) organization(ctx context.Context, call queryserver.Call, _ *struct{}) (*one[queryserver.Organization], error) {
	return oneOf(o.store.Organization(ctx, &call))
}

func (o *organizations) renameOrganization(ctx context.Context, call queryserver.Call, input *nameInput) (*struct{}, error) {
	tenants, err := tenantsOf(ctx, o.store, &call, nil)
	if err != nil {
		return nil, err
	}
	if err := mayOwn(ctx, o.store, &call, tenants...); err != nil {
		return nil, err
	}
	return nil, o.store.RenameOrganization(ctx, &call, input.Body.Name)
}

// Policy is what an organization demands of logins.
type Policy struct {
	SSOOnly     bool      `json:"ssoOnly" doc:"Passwords do not log in"`
	MFARequired bool      `json:"mfaRequired" doc:"Who has no second factor sets one up at the next login"`
	DefaultRole tenant.ID `json:"defaultRoleId" format:"uuid" doc:"Of users who come by single sign-on"`
}

type policyInput struct{ Body Policy }

func (o *organizations) policy(ctx context.Context, call queryserver.Call, _ *struct{}) (*one[Policy], error) {
	p, err := o.store.Policy(ctx, &call)
	return oneOf(Policy(p), err)
}

func (o *organizations) setPolicy(ctx context.Context, call queryserver.Call, input *policyInput) (*struct{}, error) {
	if err := mayManageAll(ctx, o.store, &call, queryserver.SSOWrite); err != nil {
		return nil, err
	}
	now, err := o.store.Policy(ctx, &call)
	if err != nil {
		return nil, err
	}
	if now.DefaultRole != input.Body.DefaultRole {
		if err := o.mayGiveToNewcomers(ctx, &call, input.Body.DefaultRole); err != nil {
			return nil, err
		}
	}
	return nil, o.store.SetPolicy(ctx, &call, queryserver.Policy(input.Body))
}

// mayGiveToNewcomers refuses a role that the caller does not have in every tenant: in
// which one newcomers get it is not known yet.
func (o *organizations) mayGiveToNewcomers(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	role, err := o.store.Role(ctx, call, id)
	if err != nil {
		return err
	}
	tenants, err := tenantsOf(ctx, o.store, call, nil)
	if err != nil {
		return err
	}
	return mayGive(ctx, o.store, call, role.Permissions, tenants...)
}

func (o *organizations) workspaces(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.Workspace], error) {
	return manyOf(o.store.Workspaces(ctx, &call))
}

func (o *organizations) createWorkspace(ctx context.Context, call queryserver.Call, input *nameInput) (*one[queryserver.Workspace], error) {
	return oneOf(o.store.CreateWorkspace(ctx, &call, input.Body.Name))
}

// mayOwnWorkspace refuses who is not Owner of each of its tenants, and of the one he works
// in when it has none. NotFound: it is none of the organization's.
func (o *organizations) mayOwnWorkspace(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	workspaces, err := o.store.Workspaces(ctx, call)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(workspaces, func(w queryserver.Workspace) bool { return w.ID == id }) {
		return queryserver.Errorf(queryserver.NotFound, "there is no such workspace")
	}
	tenants, err := tenantsOf(ctx, o.store, call, &id)
	if err != nil {
		return err
	}
	if len(tenants) == 0 {
		tenants = []tenant.ID{call.Scope.Tenant().Tenant}
	}
	return mayOwn(ctx, o.store, call, tenants...)
}

func (o *organizations) renameWorkspace(ctx context.Context, call queryserver.Call, input *renameInput) (*struct{}, error) {
	if err := o.mayOwnWorkspace(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, o.store.RenameWorkspace(ctx, &call, input.ID, input.Body.Name)
}

func (o *organizations) deleteWorkspace(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := o.mayOwnWorkspace(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, o.store.DeleteWorkspace(ctx, &call, input.ID)
}

type tenantsInput struct {
	Workspace tenant.ID `query:"workspaceId" format:"uuid" doc:"Of this workspace only"`
}

func (o *organizations) tenants(ctx context.Context, call queryserver.Call, input *tenantsInput) (*many[queryserver.Tenant], error) {
	workspace := &input.Workspace
	if workspace.IsZero() {
		workspace = nil
	}
	return manyOf(o.store.Tenants(ctx, &call, workspace))
}

type tenantInput struct {
	Body struct {
		Named
		WorkspaceID tenant.ID `json:"workspaceId" format:"uuid"`
	}
}

func (o *organizations) createTenant(ctx context.Context, call queryserver.Call, input *tenantInput) (*one[queryserver.Tenant], error) {
	beside, err := tenantsOf(ctx, o.store, &call, &input.Body.WorkspaceID)
	if err != nil {
		return nil, err
	}
	if err := mayManageOne(ctx, o.store, &call, queryserver.UsersWrite, beside); err != nil {
		return nil, err
	}
	return oneOf(o.store.CreateTenant(ctx, &call, input.Body.WorkspaceID, input.Body.Name))
}

func (o *organizations) renameTenant(ctx context.Context, call queryserver.Call, input *renameInput) (*struct{}, error) {
	if err := mayOwnTenant(ctx, o.store, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, o.store.RenameTenant(ctx, &call, input.ID, input.Body.Name)
}

func (o *organizations) deleteTenant(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := mayOwnTenant(ctx, o.store, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, o.store.DeleteTenant(ctx, &call, input.ID)
}
