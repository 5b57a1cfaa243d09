package main

import (
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// organizationProbes are the organization with its tree, and its audit trail.
func organizationProbes() map[string]probe {
	return map[string]probe{
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
		"GET /api/v2/audit":           {},
	}
}

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
