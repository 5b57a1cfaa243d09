package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Identities are those at identity providers that log a user in.
type Identities interface {
	LinkedIdentities(ctx context.Context, call *queryserver.Call) ([]queryserver.LinkedIdentity, error)
	BeginLink(ctx context.Context, call *queryserver.Call, begin *queryserver.SSOBegin, current, code string) (*queryserver.SSOBegun, error)
	Unlink(ctx context.Context, call *queryserver.Call, id tenant.ID, current, code string) error
}

type identities struct {
	service Identities
	cookies httpapi.Cookies
}

// IdentityRoutes are a user's own identities.
func IdentityRoutes(service Identities, cookies httpapi.Cookies) []httpapi.Route {
	i := &identities{service, cookies}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/auth/identities" + path, ID: id, Tag: tagAccount, Summary: summary}
	}
	own := httpapi.Authenticated()
	link := at(http.MethodPost, "", "linkIdentity", "Begin to link an identity at a provider")
	link.Status = http.StatusOK
	return []httpapi.Route{
		httpapi.JSON(own, at(http.MethodGet, "", "listIdentities", "List the identities that log in"), i.list),
		httpapi.JSON(own, link, i.link),
		httpapi.JSON(own, at(http.MethodPost, "/{id}/remove", "unlinkIdentity", "Take one away; the last way in stays"), i.unlink),
	}
}

func (i *identities) list(ctx context.Context, call queryserver.Call, _ *struct{}) (*many[queryserver.LinkedIdentity], error) {
	return manyOf(i.service.LinkedIdentities(ctx, &call))
}

// Proof is how a user proves himself before a credential changes.
type Proof struct {
	CurrentPassword string `json:"currentPassword,omitempty" maxLength:"512" doc:"Of users who have one"`
	MFACode         string `json:"mfaCode,omitempty" maxLength:"64" doc:"Where there is a second factor"`
}

type linkIdentityInput struct {
	Body struct {
		Proof
		Provider     string `json:"provider" minLength:"1" maxLength:"64" doc:"The name of a provider, or its UUID"`
		Organization string `json:"organization,omitempty" maxLength:"200" doc:"To find a provider of the organization by name"`
		ReturnTo     string `json:"returnTo,omitempty" maxLength:"2048" doc:"A path of this server; default /"`
	}
}

func (i *identities) link(ctx context.Context, call queryserver.Call, input *linkIdentityInput) (*ssoBeginOutput, error) {
	begin := &queryserver.SSOBegin{Provider: input.Body.Provider, Organization: input.Body.Organization, ReturnTo: input.Body.ReturnTo}
	begun, err := i.service.BeginLink(ctx, &call, begin, input.Body.CurrentPassword, input.Body.MFACode)
	if err != nil {
		return nil, err
	}
	output := begunOutput(begun, i.cookies)
	output.Status = http.StatusOK
	return output, nil
}

type unlinkInput struct {
	ByID
	Body Proof
}

func (i *identities) unlink(ctx context.Context, call queryserver.Call, input *unlinkInput) (*struct{}, error) {
	return nil, i.service.Unlink(ctx, &call, input.ID, input.Body.CurrentPassword, input.Body.MFACode)
}
