package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Domains keeps the e-mail domains of the organization of a call.
type Domains interface {
	Domains(ctx context.Context, call *queryserver.Call) ([]queryserver.Domain, error)
	AddDomain(ctx context.Context, call *queryserver.Call, name string) (queryserver.Domain, error)
	VerifyDomain(ctx context.Context, call *queryserver.Call, name string) (queryserver.Domain, error)
	DeleteDomain(ctx context.Context, call *queryserver.Call, name string) error
}

type domains struct{ service Domains }

// DomainRoutes are the e-mail domains that an organization proves to be its own.
func DomainRoutes(service Domains, authority Authority) []httpapi.Route {
	d := &domains{service}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/domains" + path, ID: id, Tag: tagProviders, Summary: summary}
	}
	create := at(http.MethodPost, "", "addDomain", "Begin to prove a domain: publish the record in the answer")
	create.Status = http.StatusCreated
	read, write := httpapi.Requires(queryserver.SSORead), httpapi.Requires(queryserver.SSOWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listDomains", "List the organization's e-mail domains"), d.list),
		httpapi.JSON(write, create, everywhere(authority, queryserver.SSOWrite, d.add)),
		httpapi.JSON(write, at(http.MethodPost, "/{domain}/verify", "verifyDomain", "Look for the record"), everywhere(authority, queryserver.SSOWrite, d.verify)),
		httpapi.JSON(write, at(http.MethodDelete, "/{domain}", "deleteDomain", "End what a domain lets in; users who came by it stay"), everywhere(authority, queryserver.SSOWrite, d.delete)),
	}
}

func (d *domains) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.Domain], error) {
	return manyOf(d.service.Domains(ctx, &call))
}

type addDomainInput struct {
	Body struct {
		Domain string `json:"domain" minLength:"3" maxLength:"253"`
	}
}

func (d *domains) add(ctx context.Context, call queryserver.Call, input *addDomainInput) (*one[queryserver.Domain], error) {
	return oneOf(d.service.AddDomain(ctx, &call, input.Body.Domain))
}

type byDomain struct {
	Domain string `path:"domain" maxLength:"253"`
}

func (d *domains) verify(ctx context.Context, call queryserver.Call, input *byDomain) (*one[queryserver.Domain], error) {
	return oneOf(d.service.VerifyDomain(ctx, &call, input.Domain))
}

func (d *domains) delete(ctx context.Context, call queryserver.Call, input *byDomain) (*struct{}, error) {
	return nil, d.service.DeleteDomain(ctx, &call, input.Domain)
}
