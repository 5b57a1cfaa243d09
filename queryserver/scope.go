package queryserver

import (
	"maps"
	"slices"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Scope is where a call acts and what it may do there. Only package auth makes one,
// from a credential; every store takes it, so that nothing can be read without. The
// zero Scope allows nothing.
type Scope struct {
	organization tenant.ID
	tenant       tenant.Scope // zero: the organization as a whole
	grants       map[Permission]Filter
}

// NewScope is for package auth. A tenant of zero is the organization as a whole.
func NewScope(organization tenant.ID, in tenant.Scope, grants map[Permission]Filter) Scope {
	return Scope{organization: organization, tenant: in, grants: maps.Clone(grants)}
}

// Organization is the organization of the call.
func (s Scope) Organization() tenant.ID { return s.organization }

// Tenant is the tenant with its workspace; zero when the call acts in no tenant.
func (s Scope) Tenant() tenant.Scope { return s.tenant }

// Allows says whether the call has a permission.
func (s Scope) Allows(permission Permission) bool {
	_, granted := s.grants[permission]
	return granted
}

// Sees is what the call may see of the data under a permission, and false when it lacks
// the permission.
func (s Scope) Sees(permission Permission) (Filter, bool) {
	filter, granted := s.grants[permission]
	return filter, granted
}

// Permissions are what the call may do, sorted.
func (s Scope) Permissions() []Permission { return slices.Sorted(maps.Keys(s.grants)) }
