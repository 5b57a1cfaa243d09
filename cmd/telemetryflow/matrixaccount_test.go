package main

import (
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// accountProbes are the routes of a caller's own: who he is, and how he logs in.
func accountProbes() map[string]probe {
	proof := func(c *cell) any {
		return object{"currentPassword": worldPassword, "mfaCode": c.enroll(true)}
	}
	return map[string]probe{
		"POST /api/v2/auth/switch-tenant": {once: true, body: func(c *cell) any { return object{"tenantId": c.estate().lab.Tenant} }},
		"POST /api/v2/auth/logout":        {once: true},
		"GET /api/v2/auth/me":             {},
		"PUT /api/v2/auth/password": {once: true, body: func(*cell) any {
			return object{"currentPassword": worldPassword, "newPassword": nextPassword}
		}},
		"POST /api/v2/auth/mfa":                {once: true, body: func(*cell) any { return object{"currentPassword": worldPassword} }},
		"POST /api/v2/auth/mfa/confirm":        {once: true, body: func(c *cell) any { return object{"mfaCode": c.enroll(false)} }},
		"POST /api/v2/auth/mfa/remove":         {once: true, body: proof},
		"POST /api/v2/auth/mfa/recovery-codes": {once: true, body: proof},
		"GET /api/v2/auth/sessions":            {},
		"DELETE /api/v2/auth/sessions":         {once: true},
		"DELETE /api/v2/auth/sessions/{id}":    {once: true, ids: func(c *cell) []string { return []string{c.session()} }},
		"GET /api/v2/auth/identities":          {},
		"POST /api/v2/auth/identities": {body: func(c *cell) any {
			return object{"provider": c.estate().provider, "currentPassword": worldPassword}
		}},
		"POST /api/v2/auth/identities/{id}/remove": {
			once: true, ids: func(c *cell) []string { return []string{c.identity()} },
			body: func(*cell) any { return object{"currentPassword": worldPassword} },
		},
	}
}

// ownUser is the caller, where what he asks for is his own and will be granted.
func (c *cell) ownUser() (user queryserver.UserRef, is bool) {
	user = c.caller.user
	return user, !user.User.IsZero() && c.want < 400
}

// enroll sets up a second factor of the caller's, and gives a code of it that was not used.
func (c *cell) enroll(confirmed bool) string {
	if user, is := c.ownUser(); is {
		return c.code(user, confirmed)
	}
	return "123456"
}

// session is another one of the caller's, or one that is not his.
func (c *cell) session() string {
	if user, is := c.ownUser(); is {
		return c.caller.estate.newSession(c.T, user, time.Hour).id.String()
	}
	return c.estate().session.String()
}

// identity is one of the caller's, or one that is not his.
func (c *cell) identity() string {
	if user, is := c.ownUser(); is {
		return c.caller.estate.identityOf(c.T, user).String()
	}
	return c.estate().identity.String()
}
