package main

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// roleProbes are the roles of an organization.
func roleProbes() map[string]probe {
	newRole := func(c *cell) any {
		return object{"name": c.name(), "permissions": []string{"logs:read"}, "filter": []object{{"dimension": "service", "values": []string{"checkout"}}}}
	}
	return map[string]probe{
		"GET /api/v2/roles":         {},
		"GET /api/v2/roles/{id}":    {ids: (*cell).roles},
		"POST /api/v2/roles":        {body: newRole},
		"PUT /api/v2/roles/{id}":    {ids: (*cell).roles, body: newRole},
		"DELETE /api/v2/roles/{id}": {ids: (*cell).roles},
	}
}

// serviceAccountProbes are the service accounts of an organization with their tokens.
func serviceAccountProbes() map[string]probe {
	return map[string]probe{
		"GET /api/v2/service-accounts":                          {},
		"GET /api/v2/service-accounts/{id}":                     {ids: (*cell).accounts},
		"POST /api/v2/service-accounts":                         {body: func(c *cell) any { return object{"name": c.name(), "roles": c.shopRole()} }},
		"PUT /api/v2/service-accounts/{id}":                     {ids: (*cell).accounts, body: func(c *cell) any { return object{"name": c.name(), "enabled": true, "roles": c.shopRole()} }},
		"DELETE /api/v2/service-accounts/{id}":                  {ids: (*cell).accounts},
		"GET /api/v2/service-accounts/{id}/tokens":              {ids: (*cell).accounts},
		"POST /api/v2/service-accounts/{id}/tokens":             {ids: (*cell).accounts, body: named},
		"DELETE /api/v2/service-accounts/{id}/tokens/{tokenId}": {ids: (*cell).tokens},
	}
}

// apiKeyProbes are the keys of an organization's programs.
func apiKeyProbes() map[string]probe {
	return map[string]probe{
		"GET /api/v2/api-keys": {},
		"POST /api/v2/api-keys": {body: func(c *cell) any {
			return object{"name": c.name(), "workspaceId": c.estate().shop.Workspace, "tenantId": c.estate().shop.Tenant, "permissions": []string{"logs:write"}}
		}},
		"POST /api/v2/api-keys/{id}/rotate": {ids: (*cell).apiKeys, body: func(*cell) any { return object{} }},
		"DELETE /api/v2/api-keys/{id}":      {ids: (*cell).apiKeys},
	}
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
	key := o.key
	if c.spends() {
		key = o.newKey(c.T, keyadmin.Tenant, o.shop.Tenant, tenant.LogsWrite)
	}
	return []string{key.ID.String()}
}
