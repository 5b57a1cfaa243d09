package keystore

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Record is a key as it was read from PostgreSQL in one snapshot. It is
// immutable.
type Record struct {
	Organization  tenant.ID           `json:"organization"`
	TenantBound   bool                `json:"tenantBound"`
	Active        bool                `json:"active"` // not revoked, and what it is bound to is live
	Permissions   []tenant.Permission `json:"permissions"`
	Hash          string              `json:"hash"`
	PreviousHash  string              `json:"previousHash,omitempty"`
	PreviousUntil time.Time           `json:"previousUntil,omitzero"`
	ExpiresAt     time.Time           `json:"expiresAt,omitzero"`
	Limits        Limits              `json:"limits"`
	Tenants       []tenant.ID         `json:"tenants"`
	Workspaces    []tenant.ID         `json:"workspaces"` // of Tenants, one by one

	// Position orders readings: a later one never has a lower position.
	Position int64 `json:"position"`
	// ReadAt is when it was read from PostgreSQL, by the reader's clock.
	ReadAt time.Time `json:"readAt"`
}

// Limits of a key. Zero means none.
type Limits struct {
	RequestsPerMinute int   `json:"requestsPerMinute"`
	ItemsPerSecond    int64 `json:"itemsPerSecond"`
	BytesPerSecond    int64 `json:"bytesPerSecond"`
}

// Principal is what the key may do, under its written id.
func (r *Record) Principal(id string) *tenant.Principal {
	scopes := make([]tenant.Scope, len(r.Tenants))
	for i := range r.Tenants {
		scopes[i] = tenant.Scope{Workspace: r.Workspaces[i], Tenant: r.Tenants[i]}
	}
	if r.TenantBound && len(scopes) == 1 {
		return tenant.NewTenantPrincipal(id, r.Organization, scopes[0], r.Permissions)
	}
	return tenant.NewWidePrincipal(id, r.Organization, scopes, r.Permissions)
}

// Live reports whether the key may be used at a time.
func (r *Record) Live(now time.Time) bool {
	return r.Active && (r.ExpiresAt.IsZero() || now.Before(r.ExpiresAt))
}
