package page

import (
	"bytes"
	_ "embed"
	"errors"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

//go:embed page.css
var style []byte

//go:embed page.js
var script []byte

type pages struct {
	logins    Logins
	accounts  Accounts
	directory Directory
	sso       SSO
	cookies   httpapi.Cookies
	templates templates
}

// handler serves one page; see httpapi.Raw.
type handler func(http.ResponseWriter, *http.Request, queryserver.Call) error

// Routes are the pages. They are public: each looks at the session's cookie itself, and
// one without leads to the login.
func Routes(logins Logins, accounts Accounts, directory Directory, sso SSO, cookies httpapi.Cookies) ([]httpapi.Route, error) {
	parsed, err := parse()
	if err != nil {
		return nil, err
	}
	p := &pages{logins, accounts, directory, sso, cookies, parsed}
	get := func(path string, serve handler) httpapi.Route {
		return httpapi.Raw(httpapi.Public(), httpapi.Operation{Method: http.MethodGet, Path: path}, serve)
	}
	post := func(path string, serve handler) httpapi.Route {
		return httpapi.Raw(httpapi.Public(), httpapi.Operation{Method: http.MethodPost, Path: path, BodyBytes: maxForm}, serve)
	}
	return []httpapi.Route{
		get("/page.css", asset("text/css; charset=utf-8", style)),
		get("/page.js", asset("text/javascript; charset=utf-8", script)),

		get("/setup/{code}", p.form(view{name: "setup", Data: queryserver.FirstUser{}})),
		post("/setup/{code}", p.setup),
		get("/login", p.loginForm),
		post("/login", p.login),
		post("/login/code", p.code),
		post("/login/enroll", p.enroll),
		get("/login/sso", p.form(ssoView(ssoData{}))),
		post("/login/sso", p.findProviders),
		get("/api/v2/sso/{provider}/callback", p.callback),
		get("/login/link", p.form(linkView(""))),
		post("/login/link", p.link),
		get("/reset", p.form(resetView(""))),
		post("/reset/link", p.requestReset),
		post("/reset", p.reset),
		get("/invitation", p.form(invitationView(queryserver.Acceptance{}))),
		post("/invitation", p.accept),

		get("/{$}", p.own(p.home)),
		post("/logout", p.own(p.logout)),
		get("/account", p.own(p.account)),
		post("/account/tenant", p.own(p.switchTenant)),
		post("/account/password", p.own(p.changePassword)),
		post("/account/mfa", p.own(p.beginMFA)),
		post("/account/mfa/confirm", p.own(p.confirmMFA)),
		post("/account/mfa/remove", p.own(p.removeMFA)),
		post("/account/recovery-codes", p.own(p.recoveryCodes)),
		post("/account/sessions/end", p.own(p.endSession)),
		post("/account/sessions/end-others", p.own(p.endOthers)),
	}, nil
}

// maxForm is far more than the longest fields of a form, in bytes.
const maxForm = 16 << 10

func asset(kind string, content []byte) handler {
	return func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
		w.Header().Set("Content-Type", kind)
		_, err := w.Write(content)
		return err
	}
}

func (p *pages) form(empty view) handler {
	return func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error { return p.show(w, empty) }
}

func (p *pages) show(w http.ResponseWriter, v view) error {
	var text bytes.Buffer
	if err := p.templates[v.name].ExecuteTemplate(&text, "layout", v); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", v.policy())
	// With no-referrer, browsers send forms with Origin: null, as another site's.
	header.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(max(v.status, http.StatusOK))
	_, err := w.Write(text.Bytes())
	return err
}

// again shows a form once more with what was wrong, if the user can mend it.
func (p *pages) again(w http.ResponseWriter, err error, v view) error {
	var wrong *queryserver.Error
	if !errors.As(err, &wrong) || wrong.Code == queryserver.Internal || wrong.Code == queryserver.Unavailable {
		return err
	}
	switch wrong.Code {
	case queryserver.Invalid, queryserver.Conflict, queryserver.NotFound:
		v.status = http.StatusBadRequest
	case queryserver.TooMany:
		v.status = http.StatusTooManyRequests
	case queryserver.Forbidden:
		v.status = http.StatusForbidden
	default:
		v.status = http.StatusUnauthorized
	}
	v.Wrong = wrong.Message
	return p.show(w, v)
}

// enter gives the browser the cookies of a session.
func (p *pages) enter(w http.ResponseWriter, session *queryserver.OpenedSession) {
	device, own := p.cookies.Device(session.Device), p.cookies.Session(session.Cookie, time.Until(session.Expires))
	http.SetCookie(w, &device)
	http.SetCookie(w, &own)
}

func goTo(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // G710: a path of this server, checked when the login began
	return nil
}
