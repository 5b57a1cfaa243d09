package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// Logins begins, moves and ends sessions.
type Logins interface {
	Login(ctx context.Context, attempt queryserver.LoginAttempt) (*queryserver.LoginResult, error)
	ValidateMFA(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, error)
	BeginEnrollment(ctx context.Context, temporary string) (*queryserver.Enrollment, error)
	FinishEnrollment(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, []string, error)
	Refresh(ctx context.Context, token string, client queryserver.Client) (*queryserver.OpenedSession, error)
	SwitchTenant(ctx context.Context, call *queryserver.Call, to tenant.ID) (*queryserver.Tokens, error)
	Logout(ctx context.Context, call *queryserver.Call) error
}

const tagLogin = "Login"

// Browser is the input of a route that knows a browser by its cookie.
type Browser struct {
	Cookie string `header:"Cookie" maxLength:"16384" hidden:"true"`
}

func (b Browser) device(cookies httpapi.Cookies) string { return cookies.DeviceOf(b.request()) }

// named is another cookie, or "".
func (b Browser) named(cookies httpapi.Cookies, name string) string {
	return cookies.Value(b.request(), name)
}

func (b Browser) request() *http.Request {
	return &http.Request{Header: http.Header{"Cookie": {b.Cookie}}}
}

// LoginAnswer is a login that has succeeded, or what it lacks.
type LoginAnswer struct {
	AccessToken  string     `json:"accessToken,omitempty" doc:"A JWT for the Authorization header"`
	RefreshToken string     `json:"refreshToken,omitempty" doc:"For /refresh, once"`
	TokenType    string     `json:"tokenType,omitempty" doc:"Bearer"`
	ExpiresIn    int        `json:"expiresIn,omitempty" doc:"Seconds until the access token expires"`
	TempToken    string     `json:"tempToken,omitempty" doc:"For /validate-mfa"`
	MFARequired  bool       `json:"mfaRequired,omitempty" doc:"A second factor is asked for"`
	MFASetup     bool       `json:"mfaSetupRequired,omitempty" doc:"It must be set up first: /mfa/enroll"`
	Recovery     []string   `json:"recoveryCodes,omitempty" doc:"Shown this once"`
	TenantID     *tenant.ID `json:"tenantId,omitempty" format:"uuid" doc:"Where the session is; absent for a user without a tenant"`
}

type sessionOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      LoginAnswer
}

type login struct {
	logins  Logins
	cookies httpapi.Cookies
}

// Login are the routes that begin, move and end sessions.
func Login(logins Logins, cookies httpapi.Cookies) []httpapi.Route {
	l := &login{logins, cookies}
	at := func(path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: http.MethodPost, Path: "/api/v2/auth/" + path, ID: id, Tag: tagLogin, Summary: summary}
	}
	return []httpapi.Route{
		httpapi.JSON(httpapi.Public(), at("login", "login", "Log in with e-mail address and password"), l.login),
		httpapi.JSON(httpapi.Public(), at("validate-mfa", "validateMfa", "Give the second factor of a login"), l.validate),
		httpapi.JSON(httpapi.Public(), at("mfa/enroll", "beginMfaEnrollment", "Set up a second factor that the organization demands"), l.enroll),
		httpapi.JSON(httpapi.Public(), at("mfa/enroll/confirm", "finishMfaEnrollment", "Confirm it, and end the login"), l.enrolled),
		httpapi.JSON(httpapi.Public(), at("refresh", "refresh", "Exchange a refresh token for new tokens"), l.refresh),
		httpapi.JSON(httpapi.Authenticated(), at("switch-tenant", "switchTenant", "Go on in another tenant"), l.switchTenant),
		httpapi.JSON(httpapi.Authenticated(), at("logout", "logout", "End the session"), l.logout),
		httpapi.JSON(httpapi.Authenticated(), httpapi.Operation{
			Method: http.MethodGet, Path: "/api/v2/auth/me", ID: "me", Tag: tagLogin, Summary: "Who calls, where, and what it may do",
		}, me),
	}
}

type loginInput struct {
	Browser
	Body struct {
		Email    string `json:"email" minLength:"3" maxLength:"320"`
		Password string `json:"password" minLength:"1" maxLength:"512"`
		Cookie   bool   `json:"cookie,omitempty" doc:"The session is a browser's, by cookie, without tokens"`
	}
}

func (l *login) login(ctx context.Context, call queryserver.Call, input *loginInput) (*sessionOutput, error) {
	result, err := l.logins.Login(ctx, queryserver.LoginAttempt{
		Email: input.Body.Email, Password: input.Body.Password, Cookie: input.Body.Cookie, Device: input.device(l.cookies), Client: call.Client,
	})
	if err != nil {
		return nil, err
	}
	return l.answer(result), nil
}

// answer is that to a first factor.
func (l *login) answer(result *queryserver.LoginResult) *sessionOutput {
	if result.Session == nil {
		return &sessionOutput{Body: LoginAnswer{TempToken: result.Temporary, MFARequired: true, MFASetup: result.Enroll}}
	}
	return l.opened(result.Session)
}

// opened is the answer to a login that is complete.
func (l *login) opened(session *queryserver.OpenedSession) *sessionOutput {
	output := &sessionOutput{}
	if session.Device != "" {
		output.SetCookie = append(output.SetCookie, l.cookies.Device(session.Device))
	}
	if session.Cookie != "" {
		output.SetCookie = append(output.SetCookie, l.cookies.Session(session.Cookie, time.Until(session.Expires)))
	}
	if !session.Tenant.IsZero() {
		output.Body.TenantID = &session.Tenant
	}
	if session.Tokens != nil {
		output.Body.set(session.Tokens)
	}
	return output
}

func (s *LoginAnswer) set(tokens *queryserver.Tokens) {
	s.AccessToken, s.RefreshToken, s.TokenType = tokens.Access, tokens.Refresh, "Bearer"
	s.ExpiresIn = int(time.Until(tokens.Expires).Seconds())
}

type factorInput struct {
	Browser
	Body struct {
		TempToken string `json:"tempToken" minLength:"1" maxLength:"128"`
		MFACode   string `json:"mfaCode" minLength:"1" maxLength:"64" doc:"Six digits of the app, or a recovery code"`
		Cookie    bool   `json:"cookie,omitempty" doc:"As for /login"`
	}
}

func (l *login) factor(call queryserver.Call, input *factorInput) queryserver.SecondFactor {
	return queryserver.SecondFactor{
		Temporary: input.Body.TempToken, Code: input.Body.MFACode, Cookie: input.Body.Cookie, Device: input.device(l.cookies), Client: call.Client,
	}
}

func (l *login) validate(ctx context.Context, call queryserver.Call, input *factorInput) (*sessionOutput, error) {
	session, err := l.logins.ValidateMFA(ctx, l.factor(call, input))
	if err != nil {
		return nil, err
	}
	return l.opened(session), nil
}

type temporaryInput struct {
	Body struct {
		TempToken string `json:"tempToken" minLength:"1" maxLength:"128"`
	}
}

func (l *login) enroll(ctx context.Context, _ queryserver.Call, input *temporaryInput) (*enrollmentOutput, error) {
	enrollment, err := l.logins.BeginEnrollment(ctx, input.Body.TempToken)
	if err != nil {
		return nil, err
	}
	return enrollmentOf(enrollment), nil
}

func (l *login) enrolled(ctx context.Context, call queryserver.Call, input *factorInput) (*sessionOutput, error) {
	session, codes, err := l.logins.FinishEnrollment(ctx, l.factor(call, input))
	if err != nil {
		return nil, err
	}
	output := l.opened(session)
	output.Body.Recovery = codes
	return output, nil
}

type refreshInput struct {
	Body struct {
		RefreshToken string `json:"refreshToken" minLength:"1" maxLength:"128"`
	}
}

func (l *login) refresh(ctx context.Context, call queryserver.Call, input *refreshInput) (*sessionOutput, error) {
	session, err := l.logins.Refresh(ctx, input.Body.RefreshToken, call.Client)
	if err != nil {
		return nil, err
	}
	return l.opened(session), nil
}

type switchInput struct {
	Body struct {
		TenantID tenant.ID `json:"tenantId" format:"uuid"`
	}
}

func (l *login) switchTenant(ctx context.Context, call queryserver.Call, input *switchInput) (*sessionOutput, error) {
	tokens, err := l.logins.SwitchTenant(ctx, &call, input.Body.TenantID)
	if err != nil {
		return nil, err
	}
	output := &sessionOutput{Body: LoginAnswer{TenantID: &input.Body.TenantID}}
	output.Body.set(tokens)
	return output, nil
}

type cookieOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (l *login) logout(ctx context.Context, call queryserver.Call, _ *struct{}) (*cookieOutput, error) {
	if err := l.logins.Logout(ctx, &call); err != nil {
		return nil, err
	}
	return &cookieOutput{[]http.Cookie{l.cookies.Session("", 0)}}, nil
}

type meOutput struct {
	Body struct {
		Kind           queryserver.SubjectKind  `json:"kind" doc:"user, service_account or api_key"`
		ID             string                   `json:"id"`
		OrganizationID tenant.ID                `json:"organizationId" format:"uuid"`
		WorkspaceID    *tenant.ID               `json:"workspaceId,omitempty" format:"uuid"`
		TenantID       *tenant.ID               `json:"tenantId,omitempty" format:"uuid"`
		Permissions    []queryserver.Permission `json:"permissions" nullable:"false"`
	}
}

func me(_ context.Context, call queryserver.Call, _ *struct{}) (*meOutput, error) {
	output := &meOutput{}
	output.Body.Kind, output.Body.ID, output.Body.OrganizationID = call.Subject.Kind, call.Subject.ID, call.Scope.Organization()
	if in := call.Scope.Tenant(); !in.IsZero() {
		output.Body.WorkspaceID, output.Body.TenantID = &in.Workspace, &in.Tenant
	}
	output.Body.Permissions = call.Scope.Permissions()
	return output, nil
}
