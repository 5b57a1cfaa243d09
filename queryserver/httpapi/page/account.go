package page

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Accounts change what the user of a browser proves himself with, and his sessions.
type Accounts interface {
	Profile(ctx context.Context, call *queryserver.Call) (queryserver.User, error)
	ChangePassword(ctx context.Context, call *queryserver.Call, current, code, next string) error
	BeginMFASetup(ctx context.Context, call *queryserver.Call, current string) (*queryserver.Enrollment, error)
	ConfirmMFASetup(ctx context.Context, call *queryserver.Call, code string) ([]string, error)
	RemoveMFA(ctx context.Context, call *queryserver.Call, current, code string) error
	NewRecoveryCodes(ctx context.Context, call *queryserver.Call, current, code string) ([]string, error)
	Sessions(ctx context.Context, call *queryserver.Call) ([]queryserver.Session, error)
	EndSession(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	EndOtherSessions(ctx context.Context, call *queryserver.Call) (int, error)
	SwitchTenant(ctx context.Context, call *queryserver.Call, to tenant.ID) (*queryserver.Tokens, error)
}

// Directory names the tenants that a user may work in.
type Directory interface {
	Grants(ctx context.Context, call *queryserver.Call) ([]queryserver.Grant, error)
	Tenants(ctx context.Context, call *queryserver.Call, workspace *tenant.ID) ([]queryserver.Tenant, error)
}

// ownHandler serves a page of the user of a browser.
type ownHandler func(http.ResponseWriter, *http.Request, *queryserver.Call) error

// own leads who is not logged in to the login. A form must say where it comes from, and
// the guard has looked at it, since the cookie comes along with any (ASVS 3.5.1).
func (p *pages) own(serve ownHandler) handler {
	return func(w http.ResponseWriter, r *http.Request, call queryserver.Call) error {
		if r.Method == http.MethodPost && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") != "same-origin" {
			return queryserver.Errorf(queryserver.Forbidden, "the form may have been forged by another site: it has neither Origin nor Sec-Fetch-Site")
		}
		caller, err := p.logins.ByCookie(r.Context(), p.cookies.SessionOf(r), call.Client)
		if err != nil && queryserver.CodeOf(err) == queryserver.Unauthenticated {
			return goTo(w, r, "/login")
		}
		if err != nil {
			return err
		}
		return serve(w, r, caller)
	}
}

func (p *pages) home(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	user, err := p.accounts.Profile(r.Context(), caller)
	if err != nil {
		return err
	}
	return p.show(w, view{name: "home", Data: user})
}

// accountData is what account.html shows.
type accountData struct {
	User     queryserver.User
	Tenants  []choice
	Sessions []openSession
}

type choice struct {
	ID      tenant.ID
	Name    string
	Current bool
}

type openSession struct {
	queryserver.Session
	LastSeen string
	Current  bool
}

func (p *pages) account(w http.ResponseWriter, r *http.Request, caller *queryserver.Call) error {
	data, err := p.read(r.Context(), caller)
	if err != nil {
		return err
	}
	return p.show(w, view{name: "account", Data: data})
}

// mend shows the account again with what was wrong.
func (p *pages) mend(w http.ResponseWriter, r *http.Request, caller *queryserver.Call, wrong error) error {
	data, err := p.read(r.Context(), caller)
	if err != nil {
		return err
	}
	return p.again(w, wrong, view{name: "account", Data: data})
}

func (p *pages) read(ctx context.Context, caller *queryserver.Call) (data accountData, err error) {
	if data.User, err = p.accounts.Profile(ctx, caller); err != nil {
		return data, err
	}
	sessions, err := p.accounts.Sessions(ctx, caller)
	if err != nil {
		return data, err
	}
	for _, session := range sessions {
		data.Sessions = append(data.Sessions, openSession{session, session.LastSeenAt.UTC().Format(time.RFC1123), session.ID == caller.Session})
	}
	data.Tenants, err = p.tenants(ctx, caller)
	return data, err
}

// tenants are those that the user is a member of.
func (p *pages) tenants(ctx context.Context, caller *queryserver.Call) (choices []choice, err error) {
	grants, err := p.directory.Grants(ctx, caller)
	if err != nil {
		return nil, err
	}
	member := make(map[tenant.ID]bool)
	for _, grant := range grants {
		member[grant.Tenant.Tenant] = true
	}
	all, err := p.directory.Tenants(ctx, caller, nil)
	for _, one := range all {
		if member[one.ID] {
			choices = append(choices, choice{one.ID, one.Name, one.ID == caller.Scope.Tenant().Tenant})
		}
	}
	return choices, err
}
