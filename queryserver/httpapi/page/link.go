package page

import (
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// The pages that links of e-mails lead to. page.js puts the code into the form.

func resetView(code string) view { return view{name: "reset", Script: true, Data: code} }

func (p *pages) requestReset(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	if err := p.logins.RequestReset(r.Context(), r.PostFormValue("email"), call.Client); err != nil {
		return p.again(w, err, resetView(""))
	}
	return p.show(w, noteView("If the address is a user's who logs in by password, a link is on its way to it.", "/login"))
}

func (p *pages) reset(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	code := r.PostFormValue("code")
	if err := p.logins.FinishReset(r.Context(), code, r.PostFormValue("password"), call.Client); err != nil {
		return p.again(w, err, resetView(code))
	}
	return goTo(w, r, "/login")
}

func invitationView(given queryserver.Acceptance) view {
	return view{name: "invitation", Script: true, Data: given}
}

func (p *pages) accept(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
	given := queryserver.Acceptance{
		Code: r.PostFormValue("code"), DisplayName: r.PostFormValue("name"), Password: r.PostFormValue("password"),
		Device: p.cookies.DeviceOf(r), Cookie: true, Client: call.Client,
	}
	result, err := p.logins.AcceptInvitation(r.Context(), given)
	if err != nil {
		return p.again(w, err, invitationView(given))
	}
	return p.goOn(w, r, result)
}
