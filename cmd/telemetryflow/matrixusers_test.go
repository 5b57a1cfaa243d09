package main

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// userProbes are the users of an organization, their roles and how they log in.
func userProbes() map[string]probe {
	member := func(c *cell) []string { return c.assignment()[:2] }
	return map[string]probe{
		"GET /api/v2/users":                                           {},
		"GET /api/v2/users/{id}":                                      {ids: (*cell).users},
		"PATCH /api/v2/users/{id}":                                    {ids: (*cell).users, body: func(c *cell) any { return object{"displayName": c.name()} }},
		"DELETE /api/v2/users/{id}":                                   {ids: (*cell).users},
		"GET /api/v2/users/{id}/roles":                                {ids: (*cell).users},
		"PUT /api/v2/users/{id}/tenants/{tenantId}/roles/{roleId}":    {ids: (*cell).assignment},
		"DELETE /api/v2/users/{id}/tenants/{tenantId}/roles/{roleId}": {ids: (*cell).assignment},
		"DELETE /api/v2/users/{id}/tenants/{tenantId}":                {ids: member},

		"GET /api/v2/users/{id}/sessions":                {ids: (*cell).users},
		"DELETE /api/v2/users/{id}/sessions":             {ids: (*cell).users},
		"DELETE /api/v2/users/{id}/sessions/{sessionId}": {ids: (*cell).userSession},
		"DELETE /api/v2/users/{id}/mfa":                  {ids: (*cell).userWithFactor},
		"POST /api/v2/users/{id}/password-reset":         {ids: (*cell).users},
		"POST /api/v2/users/{id}/unlock":                 {ids: (*cell).users},
	}
}

// invitationProbes are the invitations into an organization.
func invitationProbes() map[string]probe {
	return map[string]probe{
		"GET /api/v2/invitations": {},
		"POST /api/v2/invitations": {body: func(c *cell) any {
			in, role := c.given()
			return object{"email": c.name() + "@example.com", "roles": []object{{"roleId": role, "tenantId": in}}}
		}},
		"POST /api/v2/invitations/{id}/resend": {ids: (*cell).invitations},
		"DELETE /api/v2/invitations/{id}":      {ids: (*cell).invitations},
	}
}

// user is one who reads in the shop, or who owns it.
func (c *cell) user() queryserver.UserRef {
	o := c.estate()
	switch {
	case c.spends():
		return o.newUserWith(c.T, queryserver.Assignment{Role: c.role(), Tenant: o.shop.Tenant})
	case c.row.object == "owner":
		return o.owner
	default:
		return o.user
	}
}

// role is what the object of the row is, or has.
func (c *cell) role() tenant.ID {
	if c.row.object == "owner" {
		return queryserver.RoleOwner
	}
	return queryserver.RoleViewer
}

func (c *cell) users() []string { return ids(c.user().User) }

// given is a role in a tenant, of which the row's object may be foreign, or all.
func (c *cell) given() (in, role tenant.ID) {
	in, role = c.estate().shop.Tenant, c.role()
	switch c.row.object {
	case "foreign":
		role = c.estate().role
	case "foreign-tenant":
		in = c.world.theirs.shop.Tenant
	case "foreign-role":
		role = c.world.theirs.role
	}
	return in, role
}

// assignment is a user, a tenant and a role.
func (c *cell) assignment() []string {
	in, role := c.given()
	return ids(c.user().User, in, role)
}

// userSession is a user with a session of his, or with that of somebody else.
func (c *cell) userSession() []string {
	o := c.estate()
	switch {
	case c.spends():
		user := c.user()
		return ids(user.User, o.newSession(c.T, user, time.Hour).id)
	case c.row.object == "another":
		return ids(o.another.User, o.session)
	default:
		return ids(c.user().User, o.session)
	}
}

// userWithFactor is a user who has a second factor, if it is to be removed.
func (c *cell) userWithFactor() []string {
	user := c.user()
	if c.spends() {
		c.code(user, true)
	}
	return ids(user.User)
}

func (c *cell) invitations() []string {
	switch {
	case c.spends():
		invited, _ := c.estate().newInvitation(c.T, c.role())
		return ids(invited)
	case c.row.object == "owner":
		return ids(c.estate().ownerInvited)
	default:
		return ids(c.estate().invitation)
	}
}
