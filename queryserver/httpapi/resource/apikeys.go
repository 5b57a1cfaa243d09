package resource

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// APIKeys keeps the API keys of the organization of a call. The secret is given once.
type APIKeys interface {
	Authority
	APIKeys(ctx context.Context, call *queryserver.Call) ([]queryserver.APIKey, error)
	CreateAPIKey(ctx context.Context, call *queryserver.Call, key queryserver.APIKey) (made queryserver.APIKey, secret string, err error)
	RotateAPIKey(ctx context.Context, call *queryserver.Call, id apikey.ID, grace time.Duration) (made queryserver.APIKey, secret string, err error)
	RevokeAPIKey(ctx context.Context, call *queryserver.Call, id apikey.ID) error
}

// KeyTeller tells the maker of a key by mail that there is one.
type KeyTeller interface {
	TellKeyMade(ctx context.Context, call *queryserver.Call, name, id string)
}

type apiKeys struct {
	store  APIKeys
	teller KeyTeller
}

// APIKeyRoutes are the keys with which telemetry is sent, and read.
func APIKeyRoutes(store APIKeys, teller KeyTeller) []httpapi.Route {
	k := &apiKeys{store, teller}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/api-keys" + path, ID: id, Tag: "API keys", Summary: summary}
	}
	create := at(http.MethodPost, "", "createApiKey", "Make an API key; its secret is shown this once")
	create.Status = http.StatusCreated
	read, write := httpapi.Requires(queryserver.KeysRead), httpapi.Requires(queryserver.KeysWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listApiKeys", "List the API keys, revoked ones included"), k.list),
		httpapi.JSON(write, create, k.create),
		httpapi.JSON(write, at(http.MethodPost, "/{id}/rotate", "rotateApiKey", "Give a key a new secret"), k.rotate),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "revokeApiKey", "End a key for good"), k.revoke),
	}
}

func (k *apiKeys) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.APIKey], error) {
	return manyOf(k.visible(ctx, &call))
}

// visible are the keys that cover a tenant in which the caller may read keys. To him,
// others do not exist.
func (k *apiKeys) visible(ctx context.Context, call *queryserver.Call) ([]queryserver.APIKey, error) {
	all, err := k.store.APIKeys(ctx, call)
	if err != nil {
		return nil, err
	}
	tenants, err := k.store.Tenants(ctx, call, nil)
	if err != nil {
		return nil, err
	}
	held, err := heldIn(ctx, k.store, call, queryserver.KeysRead)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(key queryserver.APIKey) bool {
		return !slices.ContainsFunc(tenants, func(t queryserver.Tenant) bool {
			return slices.Contains(held, t.ID) && (key.Tenant == nil || *key.Tenant == t.ID) && (key.Workspace == nil || *key.Workspace == t.Workspace)
		})
	}), nil
}

// find is one of them.
func (k *apiKeys) find(ctx context.Context, call *queryserver.Call, id apikey.ID) (queryserver.APIKey, error) {
	all, err := k.visible(ctx, call)
	if err != nil {
		return queryserver.APIKey{}, err
	}
	for _, key := range all {
		if key.ID == id.String() {
			return key, nil
		}
	}
	return queryserver.APIKey{}, errNoKey()
}

func errNoKey() error {
	return queryserver.Errorf(queryserver.NotFound, "there is no such API key, or it is revoked")
}

type keyInput struct {
	Body struct {
		Named
		WorkspaceID *tenant.ID  `json:"workspaceId,omitempty" format:"uuid" doc:"Absent: the key covers the whole organization"`
		TenantID    *tenant.ID  `json:"tenantId,omitempty" format:"uuid" doc:"Absent: the key covers every tenant of the workspace"`
		Permissions []word      `json:"permissions" minItems:"1" maxItems:"20" nullable:"false"`
		Limits      *limitsBody `json:"limits,omitempty" doc:"Default: 1000 requests per minute"`
		ExpiresAt   *time.Time  `json:"expiresAt,omitempty"`
	}
}

type limitsBody struct {
	RequestsPerMinute int   `json:"requestsPerMinute,omitempty" minimum:"0" maximum:"2147483647" doc:"0 is no limit"`
	ItemsPerSecond    int64 `json:"itemsPerSecond,omitempty" minimum:"0"`
	BytesPerSecond    int64 `json:"bytesPerSecond,omitempty" minimum:"0"`
}

// defaultRequestsPerMinute is the limit of a key that names none.
const defaultRequestsPerMinute = 1000

type keyOutput struct {
	Body struct {
		queryserver.APIKey
		Secret string `json:"secret" doc:"Shown this once"`
	}
}

func keyOf(key queryserver.APIKey, secret string, err error) (*keyOutput, error) {
	if err != nil {
		return nil, err
	}
	output := &keyOutput{}
	output.Body.APIKey, output.Body.Secret = key, secret
	return output, nil
}

func (k *apiKeys) create(ctx context.Context, call queryserver.Call, input *keyInput) (*keyOutput, error) {
	permissions := permissionsOf(input.Body.Permissions)
	for _, permission := range permissions {
		if !slices.Contains(queryserver.APIKeyPermissions(), permission) {
			return nil, &queryserver.Error{Code: queryserver.Invalid, Message: "an API key cannot have one of the permissions",
				Fields: []queryserver.FieldError{{Location: "body.permissions", Message: "must be among metrics, logs and traces, read and write"}}}
		}
	}
	if err := k.mayBind(ctx, &call, permissions, input.Body.WorkspaceID, input.Body.TenantID); err != nil {
		return nil, err
	}
	key := queryserver.APIKey{
		Name: input.Body.Name, Workspace: input.Body.WorkspaceID, Tenant: input.Body.TenantID,
		Permissions: permissions, ExpiresAt: input.Body.ExpiresAt, Limits: queryserver.KeyLimits{RequestsPerMinute: defaultRequestsPerMinute},
	}
	if input.Body.Limits != nil {
		key.Limits = queryserver.KeyLimits(*input.Body.Limits)
	}
	made, secret, err := k.store.CreateAPIKey(ctx, &call, key)
	if err == nil {
		k.teller.TellKeyMade(ctx, &call, made.Name, made.ID)
	}
	return keyOf(made, secret, err)
}

// mayBind refuses a key that may do more than its maker in any tenant that it covers. A
// key of no permissions is one to be revoked.
func (k *apiKeys) mayBind(ctx context.Context, call *queryserver.Call, permissions []queryserver.Permission, workspace, in *tenant.ID) error {
	var tenants []tenant.ID
	var err error
	if in != nil {
		tenants = []tenant.ID{*in}
	} else if tenants, err = tenantsOf(ctx, k.store, call, workspace); err != nil {
		return err
	}
	if err := mayManage(ctx, k.store, call, queryserver.KeysWrite, tenants...); err != nil {
		return err
	}
	return mayGive(ctx, k.store, call, permissions, tenants...)
}

// ByKeyID is the input of a route of one API key.
type ByKeyID struct {
	ID string `path:"id" maxLength:"64" doc:"tfk_ and 32 hex digits"`
}

func (i ByKeyID) parse() (apikey.ID, error) {
	id, err := apikey.ParseID(i.ID)
	if err != nil {
		return id, errNoKey()
	}
	return id, nil
}

type rotateInput struct {
	ByKeyID
	Body struct {
		GraceSeconds int `json:"graceSeconds,omitempty" minimum:"0" maximum:"2592000" default:"86400" doc:"For how long the old secret works on"`
	}
}

func (k *apiKeys) rotate(ctx context.Context, call queryserver.Call, input *rotateInput) (*keyOutput, error) {
	id, err := input.parse()
	if err != nil {
		return nil, err
	}
	key, err := k.find(ctx, &call, id)
	if err != nil {
		return nil, err
	}
	if err := k.mayBind(ctx, &call, key.Permissions, key.Workspace, key.Tenant); err != nil { // the new secret is what the key may do
		return nil, err
	}
	return keyOf(k.store.RotateAPIKey(ctx, &call, id, time.Duration(input.Body.GraceSeconds)*time.Second))
}

func (k *apiKeys) revoke(ctx context.Context, call queryserver.Call, input *ByKeyID) (*struct{}, error) {
	id, err := input.parse()
	if err != nil {
		return nil, err
	}
	key, err := k.find(ctx, &call, id)
	if err != nil {
		return nil, err
	}
	if err := k.mayBind(ctx, &call, nil, key.Workspace, key.Tenant); err != nil {
		return nil, err
	}
	return nil, k.store.RevokeAPIKey(ctx, &call, id)
}
