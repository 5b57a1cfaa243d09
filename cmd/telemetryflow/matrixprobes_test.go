package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/pquerna/otp"
	library "github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// cell is one request of the matrix.
type cell struct {
	*testing.T
	world  *world
	row    row
	caller *caller
	want   int
}

// object is a JSON object.
type object = map[string]any

// probe is how a route is called so that it succeeds for those who may.
type probe struct {
	// ids stand in for the placeholders of the path, in order.
	ids func(c *cell) []string
	// body is JSON, or a form where it is url.Values.
	body func(c *cell) any
	// once: the request ends or changes what its caller has, who is made for it alone.
	once bool
	// late routes make or end tenants, which changes what others may do. They come last.
	late bool
}

// probes has a line for every route, under its method and path.
func probes() map[string]probe {
	named := func(c *cell) any { return object{"name": c.name()} }
	return map[string]probe{
		"GET /{$}":      {},
		"GET /page.css": {},
		"GET /login":    {},
		"POST /login":   {body: func(c *cell) any { return url.Values{"email": {c.email()}, "password": {worldPassword}} }},
		"POST /login/code": {body: func(c *cell) any {
			temporary, code := c.challenge(false)
			return url.Values{"temporary": {temporary}, "code": {code}}
		}},
		"POST /logout":            {once: true},
		"GET /setup/{code}":       {ids: constant("tfu_0")},
		"POST /setup/{code}":      {ids: constant("tfu_0"), body: func(*cell) any { return url.Values{"email": {"eve@example.com"}, "password": {worldPassword}} }},
		"GET /openapi.json":       {},
		"GET /openapi.yaml":       {},
		"GET /docs":               {},
		"GET /docs/style.css":     {},
		"POST /api/v2/auth/login": {body: func(c *cell) any { return object{"email": c.email(), "password": worldPassword} }},
		"POST /api/v2/auth/validate-mfa": {body: func(c *cell) any {
			temporary, code := c.challenge(false)
			return object{"tempToken": temporary, "mfaCode": code}
		}},
		"POST /api/v2/auth/mfa/enroll": {body: func(c *cell) any {
			temporary, _ := c.challenge(true)
			return object{"tempToken": temporary}
		}},
		"POST /api/v2/auth/mfa/enroll/confirm": {body: func(c *cell) any {
			temporary, code := c.challenge(true)
			return object{"tempToken": temporary, "mfaCode": code}
		}},
		"POST /api/v2/auth/refresh": {body: func(c *cell) any {
			return object{"refreshToken": c.world.ours.newSession(c.T, c.world.ours.user, time.Hour).refresh}
		}},
		"POST /api/v2/auth/switch-tenant": {once: true, body: func(c *cell) any { return object{"tenantId": c.estate().lab.Tenant} }},
		"POST /api/v2/auth/logout":        {once: true},
		"GET /api/v2/auth/me":             {},

		"PUT /api/v2/auth/password": {once: true, body: func(*cell) any {
			return object{"currentPassword": worldPassword, "newPassword": "a lighthouse in summer rain"}
		}},
		"POST /api/v2/auth/password-reset":         {body: func(c *cell) any { return object{"email": c.email()} }},
		"POST /api/v2/auth/password-reset/confirm": {body: func(c *cell) any { return object{"code": c.resetCode(), "newPassword": "a lighthouse in summer rain"} }},
		"POST /api/v2/auth/mfa":                    {once: true},
		"POST /api/v2/auth/mfa/confirm":            {once: true, body: func(c *cell) any { return object{"mfaCode": c.enroll(false)} }},
		"POST /api/v2/auth/mfa/remove":             {once: true, body: func(c *cell) any { return object{"currentPassword": worldPassword, "mfaCode": c.enroll(true)} }},
		"POST /api/v2/auth/mfa/recovery-codes":     {once: true, body: func(c *cell) any { return object{"currentPassword": worldPassword, "mfaCode": c.enroll(true)} }},
		"GET /api/v2/auth/sessions":                {},
		"DELETE /api/v2/auth/sessions":             {once: true},
		"DELETE /api/v2/auth/sessions/{id}":        {once: true, ids: func(c *cell) []string { return []string{c.session()} }},

		"GET /api/v2/organization":        {},
		"PATCH /api/v2/organization":      {body: named},
		"GET /api/v2/organization/policy": {},
		"PUT /api/v2/organization/policy": {body: func(c *cell) any {
			role := queryserver.RoleViewer
			if c.row.object == "foreign" {
				role = c.world.theirs.role
			}
			return object{"ssoOnly": false, "mfaRequired": false, "defaultRoleId": role}
		}},
		"GET /api/v2/workspaces":         {},
		"POST /api/v2/workspaces":        {late: true, body: named},
		"PATCH /api/v2/workspaces/{id}":  {ids: func(c *cell) []string { return ids(c.estate().shop.Workspace) }, body: named},
		"DELETE /api/v2/workspaces/{id}": {late: true, ids: func(c *cell) []string { return ids(c.scope().Workspace) }},
		"GET /api/v2/tenants":            {},
		"POST /api/v2/tenants": {late: true, body: func(c *cell) any {
			return object{"name": c.name(), "workspaceId": c.estate().shop.Workspace}
		}},
		"PATCH /api/v2/tenants/{id}":  {ids: func(c *cell) []string { return ids(c.estate().shop.Tenant) }, body: named},
		"DELETE /api/v2/tenants/{id}": {late: true, ids: func(c *cell) []string { return ids(c.scope().Tenant) }},

		"GET /api/v2/users":                                           {},
		"GET /api/v2/users/{id}":                                      {ids: (*cell).users},
		"PATCH /api/v2/users/{id}":                                    {ids: (*cell).users, body: func(c *cell) any { return object{"displayName": c.name()} }},
		"DELETE /api/v2/users/{id}":                                   {ids: (*cell).users},
		"GET /api/v2/users/{id}/roles":                                {ids: (*cell).users},
		"PUT /api/v2/users/{id}/tenants/{tenantId}/roles/{roleId}":    {ids: func(c *cell) []string { return c.assignment(queryserver.RoleViewer) }},
		"DELETE /api/v2/users/{id}/tenants/{tenantId}/roles/{roleId}": {ids: func(c *cell) []string { return c.assignment(queryserver.RoleViewer) }},
		"DELETE /api/v2/users/{id}/tenants/{tenantId}":                {ids: func(c *cell) []string { return c.assignment(queryserver.RoleViewer)[:2] }},

		"GET /api/v2/roles":         {},
		"GET /api/v2/roles/{id}":    {ids: (*cell).roles},
		"POST /api/v2/roles":        {body: newRole},
		"PUT /api/v2/roles/{id}":    {ids: (*cell).roles, body: newRole},
		"DELETE /api/v2/roles/{id}": {ids: (*cell).roles},

		"GET /api/v2/service-accounts":                          {},
		"GET /api/v2/service-accounts/{id}":                     {ids: (*cell).accounts},
		"POST /api/v2/service-accounts":                         {body: func(c *cell) any { return object{"name": c.name(), "roles": c.shopRole()} }},
		"PUT /api/v2/service-accounts/{id}":                     {ids: (*cell).accounts, body: func(c *cell) any { return object{"name": c.name(), "enabled": true, "roles": c.shopRole()} }},
		"DELETE /api/v2/service-accounts/{id}":                  {ids: (*cell).accounts},
		"GET /api/v2/service-accounts/{id}/tokens":              {ids: (*cell).accounts},
		"POST /api/v2/service-accounts/{id}/tokens":             {ids: (*cell).accounts, body: named},
		"DELETE /api/v2/service-accounts/{id}/tokens/{tokenId}": {ids: (*cell).tokens},

		"GET /api/v2/api-keys": {},
		"POST /api/v2/api-keys": {body: func(c *cell) any {
			return object{"name": c.name(), "workspaceId": c.estate().shop.Workspace, "tenantId": c.estate().shop.Tenant, "permissions": []string{"logs:write"}}
		}},
		"POST /api/v2/api-keys/{id}/rotate": {ids: (*cell).apiKeys, body: func(*cell) any { return object{} }},
		"DELETE /api/v2/api-keys/{id}":      {ids: (*cell).apiKeys},
		"GET /api/v2/audit":                 {},
	}
}

func newRole(c *cell) any {
	return object{"name": c.name(), "permissions": []string{"logs:read"}, "filter": []object{{"dimension": "service", "values": []string{"checkout"}}}}
}

func constant(text string) func(*cell) []string {
	return func(*cell) []string { return []string{text} }
}

func ids(all ...tenant.ID) []string {
	texts := make([]string, len(all))
	for i, id := range all {
		texts[i] = id.String()
	}
	return texts
}

// name is one that nothing else has, with the canary of the caller's organization.
func (c *cell) name() string {
	if c.caller.estate == c.world.theirs {
		return c.world.theirs.canary + "-" + fresh()
	}
	return c.world.ours.canary + "-" + fresh()
}

// estate is where the object of the request is.
func (c *cell) estate() *estate {
	if c.row.object == "foreign" {
		return c.world.theirs
	}
	return c.world.ours
}

// spends says that the request will change its object, which is made for it alone.
func (c *cell) spends() bool { return c.want < 300 && c.row.method != http.MethodGet }

// scope is a tenant in a workspace of its own, in which the caller holds his roles.
func (c *cell) scope() tenant.Scope {
	o := c.estate()
	if !c.spends() {
		return o.shop
	}
	workspace, err := o.store.CreateWorkspace(c.Context(), o.operator, o.canary+"-"+fresh())
	require.NoError(c, err)
	made, err := o.store.CreateTenant(c.Context(), o.operator, workspace.ID, o.canary+"-"+fresh())
	require.NoError(c, err)
	roles := []queryserver.Assignment{{Role: c.caller.roles[0].Role, Tenant: made.ID}}
	if !c.caller.account.IsZero() {
		account := queryserver.ServiceAccount{ID: c.caller.account, Name: o.canary + fresh(), Enabled: true}
		require.NoError(c, o.store.UpdateServiceAccount(c.Context(), o.operator, account, append(roles, c.caller.roles...)))
	} else {
		require.NoError(c, o.store.Assign(c.Context(), o.operator, c.caller.user.User, roles[0]))
	}
	return tenant.Scope{Workspace: workspace.ID, Tenant: made.ID}
}

// viewer is a user who reads in the shop.
func (c *cell) viewer() tenant.ID {
	o := c.estate()
	if !c.spends() {
		return o.user.User
	}
	return o.newUserWith(c.T, queryserver.Assignment{Role: queryserver.RoleViewer, Tenant: o.shop.Tenant}).User
}

func (c *cell) users() []string { return ids(c.viewer()) }

// assignment is a user, a tenant and a role. Of a row's object only the named part is foreign.
func (c *cell) assignment(role tenant.ID) []string {
	in := c.estate().shop.Tenant
	switch c.row.object {
	case "foreign":
		role = c.estate().role
	case "foreign-tenant":
		in = c.world.theirs.shop.Tenant
	case "foreign-role":
		role = c.world.theirs.role
	}
	return ids(c.viewer(), in, role)
}

func (c *cell) roles() []string {
	switch {
	case c.row.object == "builtin":
		return ids(queryserver.RoleViewer)
	case c.spends():
		return ids(c.estate().newRole(c.T))
	default:
		return ids(c.estate().role)
	}
}

func (c *cell) accounts() []string {
	if c.spends() {
		return ids(c.estate().newAccount(c.T, queryserver.RoleViewer))
	}
	return ids(c.estate().account)
}

func (c *cell) shopRole() []object {
	return []object{{"roleId": queryserver.RoleViewer, "tenantId": c.estate().shop.Tenant}}
}

func (c *cell) tokens() []string {
	o := c.estate()
	if c.spends() {
		id, _ := o.newToken(c.T, o.account, time.Hour)
		return ids(o.account, id)
	}
	return ids(o.account, o.token)
}

func (c *cell) apiKeys() []string {
	o := c.estate()
	var key apikey.Credential
	if key = o.key; c.spends() {
		key = o.newKey(c.T, keyadmin.Tenant, o.shop.Tenant, tenant.LogsWrite)
	}
	return []string{key.ID.String()}
}

// session is another one of the caller's.
func (c *cell) session() string {
	if c.spends() {
		return c.caller.estate.newSession(c.T, c.caller.user, time.Hour).id.String()
	}
	return c.estate().session.String()
}

// email is the address of a user of ours.
func (c *cell) email() string {
	user, err := c.world.store.User(c.Context(), c.world.ours.user)
	require.NoError(c, err)
	return user.Email
}

// enroll sets up a second factor of the caller's, and gives a code of it that was not used.
func (c *cell) enroll(confirmed bool) string {
	user := c.caller.user
	if user.User.IsZero() || c.want >= 300 {
		return "123456"
	}
	return c.code(user, confirmed)
}

func (c *cell) code(user queryserver.UserRef, confirmed bool) string {
	enrollment, err := c.world.logins.BeginMFA(c.Context(), user)
	require.NoError(c, err)
	at := time.Now()
	code := func() string {
		text, err := library.GenerateCodeCustom(enrollment.Secret, at, library.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		require.NoError(c, err)
		return text
	}
	if !confirmed {
		return code()
	}
	_, err = c.world.logins.ConfirmMFA(c.Context(), user, code(), queryserver.Client{})
	require.NoError(c, err)
	at = at.Add(30 * time.Second)
	return code()
}

// challenge is a login that lacks its second factor, or the set-up of one, and the code.
func (c *cell) challenge(enroll bool) (temporary, code string) {
	user := c.world.ours.newUser(c.T, queryserver.RoleViewer)
	code = c.code(user, !enroll)
	made := token.New(token.Challenge)
	of := queryserver.Challenge{UserRef: user, Methods: []string{"pwd"}, Account: queryserver.Hash(made.Hash()), Enroll: enroll}
	require.NoError(c, c.world.store.BeginChallenge(c.Context(), queryserver.Hash(made.Hash()), of, time.Now().Add(time.Minute)))
	return made.Reveal(), code
}

// resetCode is what a link to a new password ends in.
func (c *cell) resetCode() string {
	user := c.world.ours.newUser(c.T, queryserver.RoleViewer)
	made := token.New(token.Reset)
	require.NoError(c, c.world.store.BeginReset(c.Context(), queryserver.Subject{Kind: queryserver.SystemSubject, ID: "test"}, queryserver.Client{}, user, queryserver.Hash(made.Hash()), time.Now().Add(time.Minute), 0))
	return made.Reveal()
}
