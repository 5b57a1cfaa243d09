package page

import (
	"context"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Logins begin and end the sessions of browsers.
type Logins interface {
	Login(ctx context.Context, attempt queryserver.LoginAttempt) (*queryserver.LoginResult, error)
	ValidateMFA(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, error)
	BeginEnrollment(ctx context.Context, temporary string) (*queryserver.Enrollment, error)
	FinishEnrollment(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, []string, error)
	FinishSetup(ctx context.Context, code, secret string, first queryserver.FirstUser, client queryserver.Client) (*queryserver.OpenedSession, error)
	AcceptInvitation(ctx context.Context, acceptance queryserver.Acceptance) (*queryserver.LoginResult, error)
	RequestReset(ctx context.Context, email string, client queryserver.Client) error
	FinishReset(ctx context.Context, link, next string, client queryserver.Client) error
	ByCookie(ctx context.Context, cookie string, client queryserver.Client) (*queryserver.Call, error)
	Logout(ctx context.Context, call *queryserver.Call) error
}

func (p *pages) login(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	email := r.PostFormValue("email")
	result, err := p.logins.Login(r.Context(), queryserver.LoginAttempt{
		Email: email, Password: r.PostFormValue("password"), Device: p.cookies.DeviceOf(r), Cookie: true, Client: call.Client,
	})
	if err != nil {
		return p.again(w, err, loginView(loginData{Email: email}))
	}
	return p.goOn(w, r, result)
}

// goOn ends a login, or asks for what it lacks.
func (p *pages) goOn(w http.ResponseWriter, r *http.Request, result *queryserver.LoginResult) error {
	switch {
	case result.Session != nil:
		p.enter(w, result.Session)
		return goTo(w, r, "/")
	case !result.Enroll:
		return p.show(w, view{name: "code", Data: result.Temporary})
	}
	begun, err := p.logins.BeginEnrollment(r.Context(), result.Temporary)
	if err != nil {
		return err
	}
	return p.show(w, enrolling(result.Temporary).with(begun).view())
}

func (p *pages) factor(r *http.Request, call queryserver.Call) queryserver.SecondFactor {
	return queryserver.SecondFactor{
		Temporary: r.PostFormValue("temporary"), Code: r.PostFormValue("code"), Device: p.cookies.DeviceOf(r), Cookie: true, Client: call.Client,
	}
}

func (p *pages) code(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	factor := p.factor(r, call)
	session, err := p.logins.ValidateMFA(r.Context(), factor)
	if err != nil {
		return p.again(w, err, view{name: "code", Data: factor.Temporary})
	}
	p.enter(w, session)
	return goTo(w, r, p.wayBack(w, r))
}

func enrolling(temporary string) enrollment {
	return enrollment{Temporary: temporary, Action: "/login/enroll", Back: "/login"}
}

// enroll ends a login with the second factor that was set up on the way, and shows the
// recovery codes.
func (p *pages) enroll(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	factor := p.factor(r, call)
	session, codes, err := p.logins.FinishEnrollment(r.Context(), factor)
	if err != nil {
		return p.again(w, err, enrolling(factor.Temporary).view())
	}
	p.enter(w, session)
	return p.show(w, codesView(codes))
}

func (p *pages) setup(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	first := queryserver.FirstUser{Organization: r.PostFormValue("organization"), Email: r.PostFormValue("email"), DisplayName: r.PostFormValue("name")}
	session, err := p.logins.FinishSetup(r.Context(), r.PathValue("code"), r.PostFormValue("password"), first, call.Client)
	if err != nil {
		return p.again(w, err, view{name: "setup", Data: first})
	}
	p.enter(w, session)
	return goTo(w, r, "/")
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	if err := p.logins.Logout(r.Context(), caller); err != nil {
		return err
	}
	ended := p.cookies.Session("", 0)
	http.SetCookie(w, &ended)
	return goTo(w, r, "/login")
}
