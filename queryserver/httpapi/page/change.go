package page

import (
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// What the forms of the account do.

func (p *pages) switchTenant(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	id, err := tenant.ParseID(r.PostFormValue("tenant"))
	if err == nil {
		_, err = p.accounts.SwitchTenant(r.Context(), caller, id)
	} else {
		err = queryserver.Errorf(queryserver.Invalid, "there is no such tenant")
	}
	if err != nil {
		return p.mend(w, r, caller, err)
	}
	return goTo(w, r, "/account")
}

func (p *pages) changePassword(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	err := p.accounts.ChangePassword(r.Context(), caller, r.PostFormValue("current"), r.PostFormValue("code"), r.PostFormValue("password"))
	if err != nil {
		return p.mend(w, r, caller, err)
	}
	return p.show(w, noteView("Your password is changed. Your other sessions have ended.", "/account"))
}

func settingUp() enrollment { return enrollment{Action: "/account/mfa/confirm", Back: "/account"} }

func (p *pages) beginMFA(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	begun, err := p.accounts.BeginMFASetup(r.Context(), caller, r.PostFormValue("current"))
	if err != nil {
		return p.mend(w, r, caller, err)
	}
	return p.show(w, settingUp().with(begun).view())
}

func (p *pages) confirmMFA(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	codes, err := p.accounts.ConfirmMFASetup(r.Context(), caller, r.PostFormValue("code"))
	if err != nil {
		return p.again(w, err, settingUp().view())
	}
	return p.show(w, codesView(codes))
}

func (p *pages) removeMFA(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	if err := p.accounts.RemoveMFA(r.Context(), caller, r.PostFormValue("current"), r.PostFormValue("code")); err != nil {
		return p.mend(w, r, caller, err)
	}
	return p.show(w, noteView("Your second factor is removed.", "/account"))
}

func (p *pages) recoveryCodes(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	codes, err := p.accounts.NewRecoveryCodes(r.Context(), caller, r.PostFormValue("current"), r.PostFormValue("code"))
	if err != nil {
		return p.mend(w, r, caller, err)
	}
	return p.show(w, codesView(codes))
}

func (p *pages) endSession(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	id, err := tenant.ParseID(r.PostFormValue("session"))
	if err == nil {
		err = p.accounts.EndSession(r.Context(), caller, id)
	} else {
		err = queryserver.Errorf(queryserver.NotFound, "there is no such session")
	}
	if err != nil {
		return p.mend(w, r, caller, err)
	}
	return goTo(w, r, "/account")
}

func (p *pages) endOthers(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	if _, err := p.accounts.EndOtherSessions(r.Context(), caller); err != nil {
		return p.mend(w, r, caller, err)
	}
	return goTo(w, r, "/account")
}
