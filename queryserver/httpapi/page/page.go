package page

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

//go:embed page.css
var style []byte

//go:embed page.html
var markup string

// Logins begin and end the sessions of browsers.
type Logins interface {
	Login(ctx context.Context, attempt queryserver.LoginAttempt) (*queryserver.LoginResult, error)
	ValidateMFA(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, error)
	FinishSetup(ctx context.Context, code, secret string, first queryserver.FirstUser, client queryserver.Client) (*queryserver.OpenedSession, error)
	ByCookie(ctx context.Context, cookie string, client queryserver.Client) (*queryserver.Call, error)
	Profile(ctx context.Context, call *queryserver.Call) (queryserver.User, error)
	Logout(ctx context.Context, call *queryserver.Call) error
}

type pages struct {
	logins   Logins
	cookies  httpapi.Cookies
	template *template.Template
}

// content is what the template shows.
type content struct {
	Form                      string // setup, login or code; else who is logged in
	Wrong                     string
	Organization, Email, Name string
	Temporary                 string
}

// policy is that of the pages: their style, and forms that go to this server.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Routes are the pages. They are public: each looks at the session's cookie itself, and
// one without leads to the login.
func Routes(logins Logins, cookies httpapi.Cookies) ([]httpapi.Route, error) {
	parsed, err := template.New("page").Parse(markup)
	if err != nil {
		return nil, err
	}
	p := &pages{logins, cookies, parsed}
	at := func(method, path string, serve func(http.ResponseWriter, *http.Request, queryserver.Call) error) httpapi.Route {
		return httpapi.Raw(httpapi.Public(), httpapi.Operation{Method: method, Path: path, BodyBytes: maxForm}, serve)
	}
	return []httpapi.Route{
		at(http.MethodGet, "/{$}", p.home),
		at(http.MethodGet, "/page.css", p.style),
		at(http.MethodGet, "/login", p.form("login")),
		at(http.MethodPost, "/login", p.login),
		at(http.MethodPost, "/login/code", p.code),
		at(http.MethodPost, "/logout", p.logout),
		at(http.MethodGet, "/setup/{code}", p.form("setup")),
		at(http.MethodPost, "/setup/{code}", p.setup),
	}, nil
}

// maxForm is far more than the longest fields of a form.
const maxForm = 16 << 10

func (p *pages) show(w http.ResponseWriter, status int, shown content) error {
	var text bytes.Buffer
	if err := p.template.Execute(&text, shown); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	_, err := w.Write(text.Bytes())
	return err
}

func (p *pages) form(name string) func(http.ResponseWriter, *http.Request, queryserver.Call) error {
	return func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
		return p.show(w, http.StatusOK, content{Form: name})
	}
}

func (p *pages) style(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, err := w.Write(style)
	return err
}

// again shows a form once more with what was wrong, if the user can mend it.
func (p *pages) again(w http.ResponseWriter, err error, shown content) error {
	var wrong *queryserver.Error
	if !errors.As(err, &wrong) || wrong.Code == queryserver.Internal || wrong.Code == queryserver.Unavailable {
		return err
	}
	status := http.StatusUnauthorized
	switch wrong.Code {
	case queryserver.Invalid, queryserver.Conflict, queryserver.NotFound:
		status = http.StatusBadRequest
	case queryserver.TooMany:
		status = http.StatusTooManyRequests
	}
	shown.Wrong = wrong.Message
	return p.show(w, status, shown)
}

// in ends a login: the browser gets its cookies and goes to the first page.
func (p *pages) in(w http.ResponseWriter, r *http.Request, session *queryserver.OpenedSession) error {
	device, own := p.cookies.Device(session.Device), p.cookies.Session(session.Cookie, time.Until(session.Expires))
	http.SetCookie(w, &device)
	http.SetCookie(w, &own)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *pages) login(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	email := r.PostFormValue("email")
	result, err := p.logins.Login(r.Context(), queryserver.LoginAttempt{
		Email: email, Password: r.PostFormValue("password"), Device: p.cookies.DeviceOf(r), Cookie: true, Client: call.Client,
	})
	switch {
	case err != nil:
		return p.again(w, err, content{Form: "login", Email: email})
	case result.Session == nil && result.Enroll:
		return p.show(w, http.StatusForbidden, content{Form: "login", Email: email, Wrong: "The organization demands a second factor. Set one up by the API: /api/v2/auth/mfa/enroll."})
	case result.Session == nil:
		return p.show(w, http.StatusOK, content{Form: "code", Temporary: result.Temporary})
	default:
		return p.in(w, r, result.Session)
	}
}

func (p *pages) code(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	temporary := r.PostFormValue("temporary")
	session, err := p.logins.ValidateMFA(r.Context(), queryserver.SecondFactor{
		Temporary: temporary, Code: r.PostFormValue("code"), Device: p.cookies.DeviceOf(r), Cookie: true, Client: call.Client,
	})
	if err != nil {
		return p.again(w, err, content{Form: "code", Temporary: temporary})
	}
	return p.in(w, r, session)
}

func (p *pages) setup(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	first := queryserver.FirstUser{Organization: r.PostFormValue("organization"), Email: r.PostFormValue("email"), DisplayName: r.PostFormValue("name")}
	session, err := p.logins.FinishSetup(r.Context(), r.PathValue("code"), r.PostFormValue("password"), first, call.Client)
	if err != nil {
		return p.again(w, err, content{Form: "setup", Organization: first.Organization, Email: first.Email, Name: first.DisplayName})
	}
	return p.in(w, r, session)
}

// caller is who is logged in at the browser; nil for nobody.
func (p *pages) caller(r *http.Request, call queryserver.Call) (*queryserver.Call, error) {
	found, err := p.logins.ByCookie(r.Context(), p.cookies.SessionOf(r), call.Client)
	if err != nil && queryserver.CodeOf(err) == queryserver.Unauthenticated {
		return nil, nil //nolint:nilnil // nobody is logged in
	}
	return found, err
}

func (p *pages) home(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	caller, err := p.caller(r, call)
	if err != nil {
		return err
	}
	if caller == nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	user, err := p.logins.Profile(r.Context(), caller)
	if err != nil {
		return err
	}
	return p.show(w, http.StatusOK, content{Name: user.DisplayName, Email: user.Email})
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	caller, err := p.caller(r, call)
	if err == nil && caller != nil {
		err = p.logins.Logout(r.Context(), caller)
	}
	if err != nil {
		return err
	}
	ended := p.cookies.Session("", 0)
	http.SetCookie(w, &ended)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
