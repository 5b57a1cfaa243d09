package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Providers keeps the identity providers of the organization of a call.
type Providers interface {
	Providers(ctx context.Context, call *queryserver.Call) ([]queryserver.Provider, error)
	Provider(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Provider, error)
	CreateProvider(ctx context.Context, call *queryserver.Call, provider *queryserver.Provider, secret string) error
	UpdateProvider(ctx context.Context, call *queryserver.Call, id tenant.ID, secret string, change func(*queryserver.Provider)) error
	DeleteProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	CheckProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error
}

const tagProviders = "Identity providers"

type providers struct{ service Providers }

// ProviderRoutes are the identity providers of an organization. The secret is written,
// and never read. They concern every tenant, so whoever changes them has sso:write in all.
func ProviderRoutes(service Providers, authority Authority) []httpapi.Route {
	p := &providers{service}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/sso-providers" + path, ID: id, Tag: tagProviders, Summary: summary}
	}
	create := at(http.MethodPost, "", "createSsoProvider", "Add an identity provider")
	create.Status = http.StatusCreated
	read, write := httpapi.Requires(queryserver.SSORead), httpapi.Requires(queryserver.SSOWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listSsoProviders", "List the organization's identity providers"), p.list),
		httpapi.JSON(write, create, everywhere(authority, queryserver.SSOWrite, p.create)),
		httpapi.JSON(read, at(http.MethodGet, "/{id}", "getSsoProvider", "Read an identity provider"), p.get),
		httpapi.JSON(write, at(http.MethodPatch, "/{id}", "updateSsoProvider", "Change an identity provider"), everywhere(authority, queryserver.SSOWrite, p.update)),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "deleteSsoProvider", "Delete an identity provider with the identities there"), everywhere(authority, queryserver.SSOWrite, p.delete)),
		httpapi.JSON(write, at(http.MethodPost, "/{id}/check", "checkSsoProvider", "Ask the provider whether it is as configured"), everywhere(authority, queryserver.SSOWrite, p.check)),
	}
}

// ProviderBody is a provider with what follows from it.
type ProviderBody struct {
	queryserver.Provider
	CallbackPath string `json:"callbackPath" doc:"Of the redirect URI to register at the provider, behind the address of this server"`
}

func providerBody(p queryserver.Provider) ProviderBody {
	return ProviderBody{Provider: p, CallbackPath: "/api/v2/sso/" + p.Segment() + "/callback"}
}

func (p *providers) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[ProviderBody], error) {
	all, err := p.service.Providers(ctx, &call)
	bodies := make([]ProviderBody, len(all))
	for i := range all {
		bodies[i] = providerBody(all[i])
	}
	return manyOf(bodies, err)
}

func (p *providers) get(ctx context.Context, call queryserver.Call, input *ByID) (*one[ProviderBody], error) {
	found, err := p.service.Provider(ctx, &call, input.ID)
	return oneOf(providerBody(found), err)
}

// ProviderChange is what can be set of a provider. What is absent stays, or is the default
// of docs/sso.md.
type ProviderChange struct {
	DisplayName         *string `json:"displayName,omitempty" maxLength:"100" doc:"What users see; default the name"`
	Kind                *string `json:"kind,omitempty" enum:"oidc,google,entra,github" doc:"Default oidc"`
	Issuer              *string `json:"issuer,omitempty" maxLength:"512" doc:"As the discovery document spells it; needed for oidc"`
	ClientID            *string `json:"clientId,omitempty" maxLength:"256"`
	ClientSecret        string  `json:"clientSecret,omitempty" maxLength:"4096" doc:"Never shown. Absent, it stays, unless the issuer or the kind changes"`
	Scopes              *[]word `json:"scopes,omitempty" maxItems:"32"`
	Algorithms          *[]word `json:"algorithms,omitempty" maxItems:"32"`
	Parameters          *pairs  `json:"parameters,omitempty" doc:"Added to the login request"`
	Directories         *[]word `json:"directories,omitempty" maxItems:"32" doc:"Of Entra: those whose users may log in"`
	LinkByVerifiedEmail *bool   `json:"linkByVerifiedEmail,omitempty" doc:"Users adopt an identity with their address by a link in an e-mail"`
	Enabled             *bool   `json:"enabled,omitempty"`
}

func (c *ProviderChange) apply(p *queryserver.Provider) {
	set(&p.DisplayName, c.DisplayName)
	set(&p.Kind, c.Kind)
	set(&p.Issuer, c.Issuer)
	set(&p.ClientID, c.ClientID)
	set(&p.Parameters, (*map[string]string)(c.Parameters))
	set(&p.LinkByVerifiedEmail, c.LinkByVerifiedEmail)
	set(&p.Enabled, c.Enabled)
	for into, from := range map[*[]string]*[]word{&p.Scopes: c.Scopes, &p.Algorithms: c.Algorithms, &p.Directories: c.Directories} {
		if from != nil {
			*into = textsOf(*from)
		}
	}
}

func set[T any](into, from *T) {
	if from != nil {
		*into = *from
	}
}

type createProviderInput struct {
	Body struct {
		ProviderChange
		Name string `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"Finds the provider in a URL; it stays"`
	}
}

func (p *providers) create(ctx context.Context, call queryserver.Call, input *createProviderInput) (*one[ProviderBody], error) {
	made := queryserver.Provider{
		Name: input.Body.Name, Kind: "oidc", Enabled: true,
		Scopes: []string{}, Algorithms: []string{}, Directories: []string{}, Parameters: map[string]string{},
	}
	input.Body.apply(&made)
	err := p.service.CreateProvider(ctx, &call, &made, input.Body.ClientSecret)
	return oneOf(providerBody(made), err)
}

type updateProviderInput struct {
	ByID
	Body ProviderChange
}

func (p *providers) update(ctx context.Context, call queryserver.Call, input *updateProviderInput) (*struct{}, error) {
	return nil, p.service.UpdateProvider(ctx, &call, input.ID, input.Body.ClientSecret, input.Body.apply)
}

func (p *providers) delete(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return nil, p.service.DeleteProvider(ctx, &call, input.ID)
}

func (p *providers) check(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return nil, p.service.CheckProvider(ctx, &call, input.ID)
}
