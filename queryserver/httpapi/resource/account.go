package resource

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Account changes what a user proves himself with, and shows his sessions.
type Account interface {
	ChangePassword(ctx context.Context, call *queryserver.Call, current, code, next string) error
	RequestReset(ctx context.Context, email string, client queryserver.Client) error
	FinishReset(ctx context.Context, link, next string, client queryserver.Client) error
	BeginMFASetup(ctx context.Context, call *queryserver.Call, current string) (*queryserver.Enrollment, error)
	ConfirmMFASetup(ctx context.Context, call *queryserver.Call, code string) ([]string, error)
	RemoveMFA(ctx context.Context, call *queryserver.Call, current, code string) error
	NewRecoveryCodes(ctx context.Context, call *queryserver.Call, current, code string) ([]string, error)
	Sessions(ctx context.Context, call *queryserver.Call) ([]queryserver.Session, error)
	EndSession(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	EndOtherSessions(ctx context.Context, call *queryserver.Call) (int, error)
}

const tagAccount = "Account"

type account struct{ service Account }

// AccountRoutes are a user's own: his password, his second factor, his sessions.
func AccountRoutes(service Account) []httpapi.Route {
	a := &account{service}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/auth/" + path, ID: id, Tag: tagAccount, Summary: summary}
	}
	own := httpapi.Authenticated()
	return []httpapi.Route{
		httpapi.JSON(own, at(http.MethodPut, "password", "changePassword", "Change the password; other sessions end"), a.changePassword),
		httpapi.JSON(httpapi.Public(), at(http.MethodPost, "password-reset", "requestPasswordReset", "Have a link to a new password sent"), a.requestReset),
		httpapi.JSON(httpapi.Public(), at(http.MethodPost, "password-reset/confirm", "finishPasswordReset", "Set a new password by the link"), a.finishReset),
		httpapi.JSON(own, at(http.MethodPost, "mfa", "beginMfa", "Begin to set up a second factor"), a.beginMFA),
		httpapi.JSON(own, at(http.MethodPost, "mfa/confirm", "confirmMfa", "Make it count, by a code of it"), a.confirmMFA),
		httpapi.JSON(own, at(http.MethodPost, "mfa/remove", "removeMfa", "Remove the second factor"), a.removeMFA),
		httpapi.JSON(own, at(http.MethodPost, "mfa/recovery-codes", "newRecoveryCodes", "Replace the recovery codes"), a.recoveryCodes),
		httpapi.JSON(own, at(http.MethodGet, "sessions", "listSessions", "List the sessions that have not ended"), a.sessions),
		httpapi.JSON(own, at(http.MethodDelete, "sessions", "endOtherSessions", "End all sessions but this one"), a.endOthers),
		httpapi.JSON(own, at(http.MethodDelete, "sessions/{id}", "endSession", "End a session"), a.endSession),
	}
}

type passwordInput struct {
	Body struct {
		Proof
		NewPassword string `json:"newPassword" minLength:"1" maxLength:"512"`
	}
}

func (a *account) changePassword(ctx context.Context, call queryserver.Call, input *passwordInput) (*struct{}, error) {
	return nil, a.service.ChangePassword(ctx, &call, input.Body.CurrentPassword, input.Body.MFACode, input.Body.NewPassword)
}

type resetInput struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"320"`
	}
}

func (a *account) requestReset(ctx context.Context, call queryserver.Call, input *resetInput) (*struct{}, error) {
	return nil, a.service.RequestReset(ctx, input.Body.Email, call.Client)
}

type finishResetInput struct {
	Body struct {
		Code        string `json:"code" minLength:"1" maxLength:"128" doc:"What follows # in the link"`
		NewPassword string `json:"newPassword" minLength:"1" maxLength:"512"`
	}
}

func (a *account) finishReset(ctx context.Context, call queryserver.Call, input *finishResetInput) (*struct{}, error) {
	return nil, a.service.FinishReset(ctx, input.Body.Code, input.Body.NewPassword, call.Client)
}

type enrollmentOutput struct {
	Body struct {
		Secret string `json:"secret" doc:"Base32, to be typed in"`
		URI    string `json:"uri" doc:"otpauth://totp/…"`
		QRCode []byte `json:"qrCode" doc:"The URI as a PNG, in base64"`
	}
}

func enrollmentOf(enrollment *queryserver.Enrollment) *enrollmentOutput {
	output := &enrollmentOutput{}
	output.Body.Secret, output.Body.URI, output.Body.QRCode = enrollment.Secret, enrollment.URI, enrollment.PNG
	return output
}

type beginInput struct {
	Body struct {
		CurrentPassword string `json:"currentPassword,omitempty" maxLength:"512" doc:"Of users who have one"`
	}
}

func (a *account) beginMFA(ctx context.Context, call queryserver.Call, input *beginInput) (*enrollmentOutput, error) {
	enrollment, err := a.service.BeginMFASetup(ctx, &call, input.Body.CurrentPassword)
	if err != nil {
		return nil, err
	}
	return enrollmentOf(enrollment), nil
}

type codeInput struct {
	Body struct {
		MFACode string `json:"mfaCode" minLength:"1" maxLength:"64"`
	}
}

type codesOutput struct {
	Body struct {
		RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"Shown this once"`
	}
}

func codesOf(codes []string, err error) (*codesOutput, error) {
	if err != nil {
		return nil, err
	}
	output := &codesOutput{}
	output.Body.RecoveryCodes = codes
	return output, nil
}

func (a *account) confirmMFA(ctx context.Context, call queryserver.Call, input *codeInput) (*codesOutput, error) {
	return codesOf(a.service.ConfirmMFASetup(ctx, &call, input.Body.MFACode))
}

type proofInput struct{ Body Proof }

func (a *account) removeMFA(ctx context.Context, call queryserver.Call, input *proofInput) (*struct{}, error) {
	return nil, a.service.RemoveMFA(ctx, &call, input.Body.CurrentPassword, input.Body.MFACode)
}

func (a *account) recoveryCodes(ctx context.Context, call queryserver.Call, input *proofInput) (*codesOutput, error) {
	return codesOf(a.service.NewRecoveryCodes(ctx, &call, input.Body.CurrentPassword, input.Body.MFACode))
}

type sessionsOutput struct {
	Body struct {
		Items   []queryserver.Session `json:"items" nullable:"false"`
		Current tenant.ID             `json:"currentSessionId" format:"uuid"`
	}
}

func (a *account) sessions(ctx context.Context, call queryserver.Call, _ *struct{}) (*sessionsOutput, error) {
	sessions, err := a.service.Sessions(ctx, &call)
	if err != nil {
		return nil, err
	}
	output := &sessionsOutput{}
	output.Body.Items, output.Body.Current = sessions, call.Session
	return output, nil
}

type endedOutput struct {
	Body struct {
		Ended int `json:"ended"`
	}
}

func (a *account) endOthers(ctx context.Context, call queryserver.Call, _ *struct{}) (*endedOutput, error) {
	ended, err := a.service.EndOtherSessions(ctx, &call)
	output := &endedOutput{}
	output.Body.Ended = ended
	return output, err
}

// ByID is the input of a route of one thing. It is exported, as huma wants what is embedded.
type ByID struct {
	ID tenant.ID `path:"id" format:"uuid"`
}

func (a *account) endSession(ctx context.Context, call queryserver.Call, input *ByID) (*struct{}, error) {
	return nil, a.service.EndSession(ctx, &call, input.ID)
}
