package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Invitations keeps the invitations into the organization of a call.
type Invitations interface {
	Authority
	Invitations(ctx context.Context, call *queryserver.Call, after queryserver.Invitation, limit int) ([]queryserver.Invitation, error)
	Invitation(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Invitation, error)
	RevokeInvitation(ctx context.Context, call *queryserver.Call, id tenant.ID) error
}

// Inviter sends invitations and takes who follows one. The link is in the e-mail alone.
type Inviter interface {
	Invite(ctx context.Context, call *queryserver.Call, email string, roles []queryserver.Assignment) (queryserver.Invitation, error)
	ResendInvitation(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Invitation, error)
	AcceptInvitation(ctx context.Context, acceptance queryserver.Acceptance) (*queryserver.LoginResult, error)
}

type invitations struct {
	store   Invitations
	inviter Inviter
	login   *login // answers who accepts
}

// InvitationRoutes ask users into an organization, and let them in.
func InvitationRoutes(store Invitations, inviter Inviter, cookies httpapi.Cookies) []httpapi.Route {
	i := &invitations{store, inviter, &login{cookies: cookies}}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/invitations" + path, ID: id, Tag: tagUsers, Summary: summary}
	}
	create := at(http.MethodPost, "", "createInvitation", "Invite somebody by e-mail, with roles in tenants")
	create.Status = http.StatusCreated
	read, write := httpapi.Requires(queryserver.UsersRead), httpapi.Requires(queryserver.UsersWrite)
	return []httpapi.Route{
		httpapi.JSON(read, at(http.MethodGet, "", "listInvitations", "List the invitations that are open or have expired, newest first"), i.list),
		httpapi.JSON(write, create, i.create),
		httpapi.JSON(write, at(http.MethodPost, "/{id}/resend", "resendInvitation", "Send an invitation again; the link before ends"), i.resend),
		httpapi.JSON(write, at(http.MethodDelete, "/{id}", "revokeInvitation", "Take an invitation back"), i.revoke),
		httpapi.JSON(httpapi.Public(), at(http.MethodPost, "/accept", "acceptInvitation", "Become a user by the link of an invitation, and log in"), i.accept),
	}
}

// afterInvitation is the position of a page.
type afterInvitation struct {
	CreatedAt time.Time
	ID        tenant.ID
}

type invitationsInput struct{ httpapi.Page }

func (i *invitations) list(ctx context.Context, call queryserver.Call, input *invitationsInput) (*httpapi.List[queryserver.Invitation], error) {
	var after afterInvitation
	if _, err := input.After(ctx, &after); err != nil {
		return nil, err
	}
	rows, err := i.store.Invitations(ctx, &call, queryserver.Invitation{CreatedAt: after.CreatedAt, ID: after.ID}, input.Limit+1)
	if err != nil {
		return nil, err
	}
	return httpapi.NewList(ctx, input.Page, rows, func(one queryserver.Invitation) any { return afterInvitation{one.CreatedAt, one.ID} })
}

type invitationInput struct {
	Body struct {
		Email string         `json:"email" minLength:"3" maxLength:"320"`
		Roles []roleInTenant `json:"roles" minItems:"1" maxItems:"100" nullable:"false"`
	}
}

func (i *invitations) create(ctx context.Context, call queryserver.Call, input *invitationInput) (*one[queryserver.Invitation], error) {
	roles := assignments(input.Body.Roles)
	if err := mayPlace(ctx, i.store, &call, roles); err != nil {
		return nil, err
	}
	return oneOf(i.inviter.Invite(ctx, &call, input.Body.Email, roles))
}

// mayTouch refuses to change an invitation to more than the caller may give.
func (i *invitations) mayTouch(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	invitation, err := i.store.Invitation(ctx, call, id)
	if err != nil {
		return err
	}
	return mayPlace(ctx, i.store, call, invitation.Roles)
}

func (i *invitations) resend(ctx context.Context, call queryserver.Call, input *ByID) (*one[queryserver.Invitation], error) {
	if err := i.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return oneOf(i.inviter.ResendInvitation(ctx, &call, input.ID))
}

func (i *invitations) revoke(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	if err := i.mayTouch(ctx, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, i.store.RevokeInvitation(ctx, &call, input.ID)
}

type acceptInput struct {
	Browser
	Body struct {
		Code        string `json:"code" minLength:"1" maxLength:"128" doc:"What follows # in the link"`
		DisplayName string `json:"displayName,omitempty" maxLength:"200"`
		Password    string `json:"password" minLength:"1" maxLength:"512"`
		Cookie      bool   `json:"cookie,omitempty" doc:"As for /auth/login"`
	}
}

func (i *invitations) accept(ctx context.Context, call queryserver.Call, input *acceptInput) (*sessionOutput, error) {
	result, err := i.inviter.AcceptInvitation(ctx, queryserver.Acceptance{
		Code: input.Body.Code, DisplayName: input.Body.DisplayName, Password: input.Body.Password,
		Device: input.device(i.login.cookies), Cookie: input.Body.Cookie, Client: call.Client,
	})
	if err != nil {
		return nil, err
	}
	return i.login.answer(result), nil
}
