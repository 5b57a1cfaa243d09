package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// ServiceAccounts keeps the programs that read, of the organization of a call.
type ServiceAccounts interface {
	Authority
	ServiceAccounts(ctx context.Context, call *queryserver.Call) ([]queryserver.ServiceAccount, error)
	ServiceAccount(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.ServiceAccount, []queryserver.Assignment, error)
	CreateServiceAccount(ctx context.Context, call *queryserver.Call, name string, roles []queryserver.Assignment) (tenant.ID, error)
	UpdateServiceAccount(ctx context.Context, call *queryserver.Call, account queryserver.ServiceAccount, roles []queryserver.Assignment) error
	DeleteServiceAccount(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	Tokens(ctx context.Context, call *queryserver.Call, account tenant.ID) ([]queryserver.Token, error)
	RevokeToken(ctx context.Context, call *queryserver.Call, account, id tenant.ID) error
}

// TokenMaker makes a token of a service account, and gives its secret.
type TokenMaker interface {
	CreateServiceToken(ctx context.Context, call *queryserver.Call, account tenant.ID, token *queryserver.Token) (secret string, err error)
}

type serviceAccounts struct {
	store  ServiceAccounts
	tokens TokenMaker
}

// ServiceAccountRoutes are the programs that read, and their tokens.
func ServiceAccountRoutes(store ServiceAccounts, tokens TokenMaker) []httpapi.Route {
	s := &serviceAccounts{store, tokens}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/service-accounts" + path, ID: id, Tag: "Service accounts", Summary: summary}
	}
	created := func(operation httpapi.Operation) httpapi.Operation {
		operation.Status = http.StatusCreated
		return operation
	}
	read, write := httpapi.Requires(queryserver.KeysRead), httpapi.Requires(queryserver.KeysWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listServiceAccounts", "List the service accounts"), s.list),
		httpapi.JSON(read, at(http.MethodGet, "/{id}", "getServiceAccount", "Read a service account with its roles"), s.get),
		httpapi.JSON(write, created(at(http.MethodPost, "", "createServiceAccount", "Make a service account")), s.create),
		httpapi.JSON(write, at(http.MethodPut, "/{id}", "updateServiceAccount", "Replace its name, state and roles"), s.update),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "deleteServiceAccount", "Delete a service account with its tokens"), s.delete),
		httpapi.JSON(read, at(http.MethodGet, "/{id}/tokens", "listTokens", "List the tokens of a service account"), s.listTokens),
		httpapi.JSON(write, created(at(http.MethodPost, "/{id}/tokens", "createToken", "Make a token; its secret is shown this once")), s.createToken),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}/tokens/{tokenId}", "revokeToken", "Revoke a token"), s.revokeToken),
	}
}

func (s *serviceAccounts) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.ServiceAccount], error) {
	return manyOf(s.store.ServiceAccounts(ctx, &call))
}

type accountWithRoles struct {
	queryserver.ServiceAccount
	Roles []queryserver.Assignment `json:"roles" nullable:"false"`
}

func (s *serviceAccounts) get(ctx context.Context, call queryserver.Call, input *ByID) (*one[accountWithRoles], error) {
	account, roles, err := s.store.ServiceAccount(ctx, &call, input.ID)
	return oneOf(accountWithRoles{account, append([]queryserver.Assignment{}, roles...)}, err)
}

type roleInTenant struct {
	RoleID   tenant.ID `json:"roleId" format:"uuid"`
	TenantID tenant.ID `json:"tenantId" format:"uuid"`
}

func assignments(bodies []roleInTenant) []queryserver.Assignment {
	all := make([]queryserver.Assignment, len(bodies))
	for i, b := range bodies {
		all[i] = queryserver.Assignment{Role: b.RoleID, Tenant: b.TenantID}
	}
	return all
}

type createAccountInput struct {
	Body struct {
		Named
		Roles []roleInTenant `json:"roles,omitempty" maxItems:"100"`
	}
}

type createdOutput struct {
	Body struct {
		ID tenant.ID `json:"id" format:"uuid"`
	}
}

// mayHold refuses roles in tenants where the caller may not give them.
func (s *serviceAccounts) mayHold(ctx context.Context, call *queryserver.Call, roles []queryserver.Assignment) error {
	if err := mayManage(ctx, s.store, call, queryserver.KeysWrite, tenantsIn(roles)...); err != nil {
		return err
	}
	return mayAssign(ctx, s.store, call, roles)
}

// mayTouch refuses changes of an account that may do more than the caller.
func (s *serviceAccounts) mayTouch(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	_, held, err := s.store.ServiceAccount(ctx, call, id)
	if err != nil {
		return err
	}
	return s.mayHold(ctx, call, held)
}

func (s *serviceAccounts) create(ctx context.Context, call queryserver.Call, input *createAccountInput) (*createdOutput, error) {
	if err := s.mayHold(ctx, &call, assignments(input.Body.Roles)); err != nil {
		return nil, err
	}
	id, err := s.store.CreateServiceAccount(ctx, &call, input.Body.Name, assignments(input.Body.Roles))
	if err != nil {
		return nil, err
	}
	output := &createdOutput{}
	output.Body.ID = id
	return output, nil
}

type updateAccountInput struct {
	ByID
	Body struct {
		Named
		Enabled bool           `json:"enabled"`
		Roles   []roleInTenant `json:"roles" maxItems:"100" nullable:"false"`
	}
}

func (s *serviceAccounts) update(ctx context.Context, call queryserver.Call, input *updateAccountInput) (*struct{}, error) {
	if err := s.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	if err := s.mayHold(ctx, &call, assignments(input.Body.Roles)); err != nil {
		return nil, err
	}
	account := queryserver.ServiceAccount{ID: input.ID, Name: input.Body.Name, Enabled: input.Body.Enabled}
	return nil, s.store.UpdateServiceAccount(ctx, &call, account, assignments(input.Body.Roles))
}

func (s *serviceAccounts) delete(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := s.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteServiceAccount(ctx, &call, input.ID)
}

func (s *serviceAccounts) listTokens(ctx context.Context, call queryserver.Call, input *ByID) (*many[queryserver.Token], error) {
	return manyOf(s.store.Tokens(ctx, &call, input.ID))
}

type tokenInput struct {
	ByID
	Body struct {
		Named
		ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	}
}

type tokenOutput struct {
	Body struct {
		queryserver.Token
		Secret string `json:"token" doc:"For the Authorization header as a bearer token; shown this once"`
	}
}

func (s *serviceAccounts) createToken(ctx context.Context, call queryserver.Call, input *tokenInput) (*tokenOutput, error) {
	if err := s.mayTouch(ctx, &call, input.ID); err != nil { // a token is what the account may do
		return nil, err
	}
	output := &tokenOutput{}
	output.Body.Token = queryserver.Token{Name: input.Body.Name, ExpiresAt: input.Body.ExpiresAt}
	var err error
	if output.Body.Secret, err = s.tokens.CreateServiceToken(ctx, &call, input.ID, &output.Body.Token); err != nil {
		return nil, err
	}
	return output, nil
}

type tokenIDInput struct {
	ByID
	TokenID tenant.ID `path:"tokenId" format:"uuid"`
}

func (s *serviceAccounts) revokeToken(ctx context.Context, call queryserver.Call, input *tokenIDInput) (*struct{}, error) {
	if err := s.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, s.store.RevokeToken(ctx, &call, input.ID, input.TokenID)
}
