package auth

import (
	"slices"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// scopeIn makes the scope of a call in one tenant: what all roles held there allow
// together. Under each permission the caller sees what any of the roles that give it may
// see. False: the caller is no member of the tenant.
func scopeIn(organization, in tenant.ID, grants []queryserver.Grant) (scope queryserver.Scope, member bool) {
	seen := make(map[queryserver.Permission][][]queryserver.Predicate)
	var at tenant.Scope
	for _, grant := range grants {
		if grant.Tenant.Tenant != in {
			continue
		}
		at = grant.Tenant
		for _, permission := range grant.Permissions {
			seen[permission] = append(seen[permission], grant.Filter)
		}
	}
	if at.IsZero() {
		return queryserver.Scope{}, false
	}
	allowed := make(map[queryserver.Permission]queryserver.Filter, len(seen))
	for permission, roles := range seen {
		allowed[permission] = queryserver.Union(roles...)
	}
	return queryserver.NewScope(organization, at, allowed), true
}

// firstTenant is where a session begins: the first of the user's tenants, preferring one
// in which he holds a role. Zero: he is a member of none.
func firstTenant(grants []queryserver.Grant) tenant.ID {
	if i := slices.IndexFunc(grants, func(g queryserver.Grant) bool { return !g.Role.IsZero() }); i >= 0 {
		return grants[i].Tenant.Tenant
	}
	if len(grants) > 0 {
		return grants[0].Tenant.Tenant
	}
	return tenant.ID{}
}

// choose finds the tenant of a service account's call: the one that it names, or the
// only one.
func choose(grants []queryserver.Grant, named tenant.ID) (tenant.ID, error) {
	if !named.IsZero() {
		return named, nil
	}
	only := firstTenant(grants)
	for _, grant := range grants {
		if grant.Tenant.Tenant != only {
			return tenant.ID{}, queryserver.Errorf(queryserver.Invalid, "the service account has roles in more than one tenant: name one in the %s header", tenant.TenantHeader)
		}
	}
	return only, nil
}
