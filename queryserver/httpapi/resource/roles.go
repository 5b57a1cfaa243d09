package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Roles keeps the roles of the organization of a call.
type Roles interface {
	Roles(ctx context.Context, call *queryserver.Call) ([]queryserver.Role, error)
	Authority
	CreateRole(ctx context.Context, call *queryserver.Call, role *queryserver.Role) error
	UpdateRole(ctx context.Context, call *queryserver.Call, role *queryserver.Role) error
	DeleteRole(ctx context.Context, call *queryserver.Call, id tenant.ID) error
}

type roles struct{ store Roles }

// RoleRoutes are the built-in roles and the organization's own.
func RoleRoutes(store Roles) []httpapi.Route {
	r := &roles{store}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/roles" + path, ID: id, Tag: "Roles", Summary: summary}
	}
	create := at(http.MethodPost, "", "createRole", "Make a role")
	create.Status = http.StatusCreated
	read, write := httpapi.Requires(queryserver.RolesRead), httpapi.Requires(queryserver.RolesWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listRoles", "List the roles"), r.list),
		httpapi.JSON(read, at(http.MethodGet, "/{id}", "getRole", "Read a role"), r.get),
		httpapi.JSON(write, create, r.create),
		httpapi.JSON(write, at(http.MethodPut, "/{id}", "updateRole", "Replace a role of the organization's own"), r.update),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "deleteRole", "Delete a role of the organization's own"), r.delete),
	}
}

func (r *roles) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.Role], error) {
	return manyOf(r.store.Roles(ctx, &call))
}

func (r *roles) get(ctx context.Context, call queryserver.Call, input *ByID) (*one[queryserver.Role], error) {
	return oneOf(r.store.Role(ctx, &call, input.ID))
}

// roleBody is a role of an organization's own.
type roleBody struct {
	Name        string          `json:"name" minLength:"1" maxLength:"200"`
	Description string          `json:"description,omitempty" maxLength:"1000"`
	Permissions []word          `json:"permissions" maxItems:"100" nullable:"false"`
	Filter      []predicateBody `json:"filter,omitempty" maxItems:"20" doc:"What its holders see of the data: rows that match all of it"`
}

type predicateBody struct {
	Dimension string `json:"dimension" minLength:"1" maxLength:"200" doc:"service, environment, or the key of an attribute"`
	Values    []word `json:"values" minItems:"1" maxItems:"1000" nullable:"false"`
}

func (b *roleBody) role(id tenant.ID) *queryserver.Role {
	role := &queryserver.Role{ID: id, Name: b.Name, Description: b.Description, Permissions: permissionsOf(b.Permissions)}
	for _, p := range b.Filter {
		role.Filter = append(role.Filter, queryserver.Predicate{Dimension: p.Dimension, Values: textsOf(p.Values)})
	}
	return role
}

type roleInput struct{ Body roleBody }

type changeRoleInput struct {
	ByID
	Body roleBody
}

// mayMake refuses a role that its maker could not give in every tenant: whoever holds it
// anywhere has what it says, at once.
func (r *roles) mayMake(ctx context.Context, call *queryserver.Call, body *roleBody) error {
	tenants, err := tenantsOf(ctx, r.store, call, nil)
	if err != nil {
		return err
	}
	if err := mayManage(ctx, r.store, call, queryserver.RolesWrite, tenants...); err != nil {
		return err
	}
	return mayGive(ctx, r.store, call, permissionsOf(body.Permissions), tenants...)
}

func (r *roles) create(ctx context.Context, call queryserver.Call, input *roleInput) (*one[queryserver.Role], error) {
	if err := r.mayMake(ctx, &call, &input.Body); err != nil {
		return nil, err
	}
	role := input.Body.role(tenant.ID{})
	err := r.store.CreateRole(ctx, &call, role)
	return oneOf(*role, err)
}

func (r *roles) update(ctx context.Context, call queryserver.Call, input *changeRoleInput) (*struct{}, error) {
	if err := r.mayMake(ctx, &call, &input.Body); err != nil {
		return nil, err
	}
	return nil, r.store.UpdateRole(ctx, &call, input.Body.role(input.ID))
}

func (r *roles) delete(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := mayManageAll(ctx, r.store, &call, queryserver.RolesWrite); err != nil {
		return nil, err
	}
	return nil, r.store.DeleteRole(ctx, &call, input.ID)
}

// Audit reads the audit trail.
type Audit interface {
	AuditTrail(ctx context.Context, call *queryserver.Call, query queryserver.AuditQuery) ([]queryserver.AuditEntry, error)
}

type audit struct{ store Audit }

// AuditRoutes read who did what.
func AuditRoutes(store Audit) []httpapi.Route {
	a := &audit{store}
	return []httpapi.Route{
		httpapi.JSON(httpapi.Requires(queryserver.AuditRead), httpapi.Operation{
			Method: http.MethodGet, Path: "/api/v2/audit", ID: "listAudit", Tag: "Audit", Summary: "Read the audit trail, newest first",
		}, a.list),
	}
}

type auditInput struct {
	httpapi.Page
	Action string    `query:"action" maxLength:"100" doc:"resource.verb, such as user.delete"`
	Actor  string    `query:"actorId" maxLength:"100"`
	From   time.Time `query:"from" doc:"Default: a year ago"`
	To     time.Time `query:"to" doc:"Default: now"`
}

func (a *audit) list(ctx context.Context, call queryserver.Call, input *auditInput) (*httpapi.List[queryserver.AuditEntry], error) {
	query := queryserver.AuditQuery{From: input.From, To: input.To, Limit: input.Limit + 1}
	if _, err := input.After(ctx, &query.Before); err != nil {
		return nil, err
	}
	if input.Action != "" {
		query.Action = &input.Action
	}
	if input.Actor != "" {
		query.Actor = &input.Actor
	}
	now := time.Now()
	if query.From.IsZero() {
		query.From = now.AddDate(-1, 0, 0)
	}
	if query.To.IsZero() {
		query.To = now.Add(time.Minute) // the server's clock and PostgreSQL's may differ
	}
	rows, err := a.store.AuditTrail(ctx, &call, query)
	if err != nil {
		return nil, err
	}
	return httpapi.NewList(ctx, input.Page, rows, func(entry queryserver.AuditEntry) any { return entry.Sequence })
}
