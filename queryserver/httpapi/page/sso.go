package page

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// SSO logs users in at identity providers.
type SSO interface {
	LoginProviders(ctx context.Context, organization, email string) ([]queryserver.Provider, error)
	FinishSSO(ctx context.Context, back *queryserver.SSOReturn) (*queryserver.SSOResult, error)
	FinishLink(ctx context.Context, code, proof string, client queryserver.Client) error
}

// How long the browser keeps what belongs to a login: as long as the mailed link, and as
// the second factor is waited for at most.
const (
	linkAge   = time.Hour
	returnAge = 15 * time.Minute
)

// loginData is what login.html shows.
type loginData struct {
	Email     string
	Providers []offered
}

// offered is a provider with where to go.
type offered struct{ Name, Path string }

func offer(providers []queryserver.Provider, invitation string) []offered {
	var all []offered
	for i := range providers {
		path := "/api/v2/sso/" + providers[i].Segment() + "/login"
		if invitation != "" {
			path += "?" + url.Values{"invitation": {invitation}}.Encode()
		}
		all = append(all, offered{providers[i].Shown(), path})
	}
	return all
}

func loginView(data loginData) view { return view{name: "login", Data: data} }

// problem is what the begin of a login led back with, in words.
func problem(name string) string {
	switch name {
	case "provider":
		return "There is no such identity provider."
	case "unavailable":
		return "The identity provider cannot be used at the moment. Try again later, or ask an administrator."
	default:
		return ""
	}
}

// loginForm shows the login with the providers of the installation.
func (p *pages) loginForm(w http.ResponseWriter, r *http.Request, _ queryserver.Call) error {
	providers, err := p.sso.LoginProviders(r.Context(), "", "")
	if err != nil {
		return err
	}
	shown := loginView(loginData{Providers: offer(providers, "")})
	shown.Wrong = problem(r.URL.Query().Get("problem"))
	return p.show(w, shown)
}

// ssoData is what sso.html shows.
type ssoData struct {
	Organization, Email string
	Invitation          string
	Providers           []offered
	Asked               bool
}

func ssoView(data ssoData) view { return view{name: "sso", Data: data} }

// findProviders shows the providers of an organization. It is a form that is posted, so
// that addresses are in no log.
func (p *pages) findProviders(w http.ResponseWriter, r *http.Request, _ queryserver.Call) error {
	data := ssoData{Organization: r.PostFormValue("organization"), Email: r.PostFormValue("email"), Invitation: r.PostFormValue("code"), Asked: true}
	providers, err := p.sso.LoginProviders(r.Context(), data.Organization, data.Email)
	if err != nil {
		return err
	}
	data.Providers = offer(providers, data.Invitation)
	return p.show(w, ssoView(data))
}

// callback is where a provider sends the browser back. No token is ever in an address: a
// browser gets its cookie, and a program the code of a minute, after # (RFC 9700 section
// 4.2).
func (p *pages) callback(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	result, err := p.sso.FinishSSO(r.Context(), &queryserver.SSOReturn{
		Provider: r.PathValue("provider"), Query: r.URL.Query(), Cookie: p.cookies.Value(r, httpapi.SSOCookie),
		Device: p.cookies.DeviceOf(r), Client: call.Client,
	})
	if err != nil {
		return p.turnedAway(w, r, err)
	}
	p.setCookie(w, httpapi.SSOCookie, "", 0)
	switch {
	case result.LinkProof != "":
		p.setCookie(w, httpapi.SSOLinkCookie, result.LinkProof, linkAge)
		return p.show(w, noteView("A link was sent to the user of your e-mail address. Open it in this browser, then sign in again.", "/login"))
	case result.Code != "" && wantsJSON(r):
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(map[string]string{"code": result.Code})
	case result.Code != "":
		path, _, _ := strings.Cut(result.ReturnTo, "#")
		return goTo(w, r, path+"#code="+result.Code)
	case result.Session != nil:
		p.enter(w, result.Session)
	case result.Temporary != "":
		p.setCookie(w, httpapi.ReturnCookie, base64.RawURLEncoding.EncodeToString([]byte(result.ReturnTo)), returnAge)
		return p.goOn(w, r, &result.LoginResult)
	}
	return goTo(w, r, result.ReturnTo)
}

// turnedAway says on the login page why a login at a provider failed.
func (p *pages) turnedAway(w http.ResponseWriter, r *http.Request, err error) error {
	var wrong *queryserver.Error
	if wantsJSON(r) || !errors.As(err, &wrong) || wrong.Code == queryserver.Internal {
		return err
	}
	if wrong.Code != queryserver.Unavailable {
		return p.again(w, err, loginView(loginData{}))
	}
	if wrong.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wrong.RetryAfter.Seconds())))
	}
	shown := loginView(loginData{})
	shown.status, shown.Wrong = http.StatusServiceUnavailable, wrong.Message
	return p.show(w, shown)
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func (p *pages) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	cookie := p.cookies.Named(name, value, age)
	http.SetCookie(w, &cookie)
}

// wayBack is where a login at a provider, which a second factor has held up, was to lead.
func (p *pages) wayBack(w http.ResponseWriter, r *http.Request) string {
	text, err := base64.RawURLEncoding.DecodeString(p.cookies.Value(r, httpapi.ReturnCookie))
	if err != nil || len(text) == 0 {
		return "/"
	}
	p.setCookie(w, httpapi.ReturnCookie, "", 0)
	return string(text)
}

func linkView(code string) view { return view{name: "link", Script: true, Data: code} }

// link adopts an identity by the link of an e-mail.
func (p *pages) link(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	code := r.PostFormValue("code")
	if err := p.sso.FinishLink(r.Context(), code, p.cookies.Value(r, httpapi.SSOLinkCookie), call.Client); err != nil {
		return p.again(w, err, linkView(code))
	}
	p.setCookie(w, httpapi.SSOLinkCookie, "", 0)
	return p.show(w, noteView("The sign-in is linked to your account. Sign in with it again.", "/login"))
}
