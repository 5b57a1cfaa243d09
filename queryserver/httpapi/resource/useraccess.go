package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Administration is what administrators do with how users log in.
type Administration interface {
	UserSessions(ctx context.Context, call *queryserver.Call, user tenant.ID) ([]queryserver.Session, error)
	EndUserSession(ctx context.Context, call *queryserver.Call, user, id tenant.ID) error
	EndUserSessions(ctx context.Context, call *queryserver.Call, user tenant.ID) (int, error)
	ResetMFA(ctx context.Context, call *queryserver.Call, user tenant.ID) error
	SendReset(ctx context.Context, call *queryserver.Call, user tenant.ID) error
	Unlock(ctx context.Context, call *queryserver.Call, user tenant.ID) error
}

type userAccess struct {
	users   Touched
	service Administration
}

// UserAccessRoutes are the sessions and the lost factors of other users.
func UserAccessRoutes(users Touched, service Administration) []httpapi.Route {
	a := &userAccess{users, service}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/users/{id}/" + path, ID: id, Tag: tagUsers, Summary: summary}
	}
	write := httpapi.Requires(queryserver.UsersWrite)
	return []httpapi.Route{
		httpapi.JSON(httpapi.Requires(queryserver.UsersRead), at(http.MethodGet, "sessions", "listUserSessions", "List the sessions of a user that have not ended"), a.sessions),
		httpapi.JSON(write, at(http.MethodDelete, "sessions", "endUserSessions", "End all sessions of a user"), a.endSessions),
		httpapi.JSON(write, at(http.MethodDelete, "sessions/{sessionId}", "endUserSession", "End a session of a user"), a.endSession),
		httpapi.JSON(write, at(http.MethodDelete, "mfa", "resetUserMfa", "Remove a second factor that its user has lost; he is told, and his sessions end"), a.resetMFA),
		httpapi.JSON(write, at(http.MethodPost, "password-reset", "sendUserPasswordReset", "Have a link to a new password sent to the user"), a.sendReset),
		httpapi.JSON(write, at(http.MethodPost, "unlock", "unlockUser", "Forget the failed logins of a user"), a.unlock),
	}
}

func (a *userAccess) sessions(ctx context.Context, call queryserver.Call, input *ByID) (*many[queryserver.Session], error) {
	return manyOf(a.service.UserSessions(ctx, &call, input.ID))
}

func (a *userAccess) endSessions(ctx context.Context, call queryserver.Call, input *ByID) (*endedOutput, error) {
	if err := mayTouch(ctx, a.users, &call, input.ID); err != nil {
		return nil, err
	}
	ended, err := a.service.EndUserSessions(ctx, &call, input.ID)
	output := &endedOutput{}
	output.Body.Ended = ended
	return output, err
}

type userSessionInput struct {
	ByID
	SessionID tenant.ID `path:"sessionId" format:"uuid"`
}

func (a *userAccess) endSession(ctx context.Context, call queryserver.Call, input *userSessionInput) (*struct{}, error) {
	if err := mayTouch(ctx, a.users, &call, input.ID); err != nil {
		return nil, err
	}
	return nil, a.service.EndUserSession(ctx, &call, input.ID, input.SessionID)
}

// touch does something with a user, if the caller may.
func (a *userAccess) touch(ctx context.Context, call *queryserver.Call, id tenant.ID, do func(context.Context, *queryserver.Call, tenant.ID) error) (*struct{}, error) {
	if err := mayTouch(ctx, a.users, call, id); err != nil {
		return nil, err
	}
	return nil, do(ctx, call, id)
}

func (a *userAccess) resetMFA(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return a.touch(ctx, &call, input.ID, a.service.ResetMFA)
}

func (a *userAccess) sendReset(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return a.touch(ctx, &call, input.ID, a.service.SendReset)
}

func (a *userAccess) unlock(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return a.touch(ctx, &call, input.ID, a.service.Unlock)
}
