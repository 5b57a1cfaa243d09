package tenant

import "errors"

// The names a caller may use to choose among the tenants of a wide key, and
// which the processor overwrites on every resource.
const (
	WorkspaceHeader    = "X-Workspace-Id"
	TenantHeader       = "X-Tenant-Id"
	WorkspaceAttribute = "telemetryflow.workspace.id"
	TenantAttribute    = "telemetryflow.tenant.id"
)

var (
	// ErrNotNamed means that the credential covers several tenants and the
	// call chose none. The answer is 400 / INVALID_ARGUMENT.
	ErrNotNamed = errors.New("the API key covers more than one tenant: name one in the " + TenantHeader +
		" header or in the resource attribute " + TenantAttribute)
	// ErrForbidden means that the call chose a tenant that the credential does
	// not cover. The answer is 403 / PERMISSION_DENIED.
	ErrForbidden = errors.New("the API key may not write to the named tenant")
)

// Permission is one right of a principal, written resource:action.
type Permission string

// The permissions of an API key on ingest.
const (
	MetricsWrite Permission = "metrics:write"
	LogsWrite    Permission = "logs:write"
	TracesWrite  Permission = "traces:write"
)

// Scope is the tenant in which a call acts. Rows of telemetry carry both IDs.
type Scope struct {
	Workspace ID
	Tenant    ID
}

// IsZero reports whether the scope names no tenant.
func (s Scope) IsZero() bool { return s.Tenant.IsZero() || s.Workspace.IsZero() }

// Choice is what a caller asked for. A zero ID means that it was not named.
type Choice struct {
	Workspace ID
	Tenant    ID
}

// IsZero reports whether nothing was named.
func (c Choice) IsZero() bool { return c == Choice{} }

// Principal is a verified API key: which tenants it covers and what it may do.
// It is immutable and shared by concurrent requests.
type Principal struct {
	keyID        string
	organization ID
	permissions  map[Permission]struct{}
	workspaces   map[ID]ID // tenant -> its workspace
	only         Scope     // set for a key that is bound to one tenant
}

// NewTenantPrincipal makes the principal of a key that is bound to one tenant.
func NewTenantPrincipal(keyID string, organization ID, only Scope, permissions []Permission) *Principal {
	p := newPrincipal(keyID, organization, permissions)
	p.only = only
	p.workspaces[only.Tenant] = only.Workspace
	return p
}

// NewWidePrincipal makes the principal of a key that is bound to a workspace or
// to an organization and covers the given tenants.
func NewWidePrincipal(keyID string, organization ID, covered []Scope, permissions []Permission) *Principal {
	p := newPrincipal(keyID, organization, permissions)
	for _, scope := range covered {
		p.workspaces[scope.Tenant] = scope.Workspace
	}
	return p
}

func newPrincipal(keyID string, organization ID, permissions []Permission) *Principal {
	p := &Principal{
		keyID:        keyID,
		organization: organization,
		permissions:  make(map[Permission]struct{}, len(permissions)),
		workspaces:   make(map[ID]ID),
	}
	for _, permission := range permissions {
		p.permissions[permission] = struct{}{}
	}
	return p
}

// KeyID is the public half of the credential.
func (p *Principal) KeyID() string { return p.keyID }

// Organization is the organization that owns the key.
func (p *Principal) Organization() ID { return p.organization }

// Allows reports whether the principal has the permission.
func (p *Principal) Allows(permission Permission) bool {
	_, ok := p.permissions[permission]
	return ok
}

// Resolve turns a choice into the scope of the call. A key that is bound to one
// tenant needs no choice; one that contradicts it is ErrForbidden. A wider key
// must name a tenant (else ErrNotNamed) that it covers (else ErrForbidden).
func (p *Principal) Resolve(choice Choice) (Scope, error) {
	scope := p.only
	if !choice.Tenant.IsZero() {
		workspace, covered := p.workspaces[choice.Tenant]
		if !covered {
			return Scope{}, ErrForbidden
		}
		scope = Scope{Workspace: workspace, Tenant: choice.Tenant}
	}
	if !choice.Workspace.IsZero() && !p.coversWorkspace(choice.Workspace, scope) {
		return Scope{}, ErrForbidden
	}
	if scope.IsZero() {
		return Scope{}, ErrNotNamed
	}
	return scope, nil
}

// coversWorkspace says whether a named workspace fits the scope found so far,
// or, when no tenant is known yet, any tenant of the key.
func (p *Principal) coversWorkspace(workspace ID, scope Scope) bool {
	if !scope.IsZero() {
		return workspace == scope.Workspace
	}
	for _, covered := range p.workspaces {
		if covered == workspace {
			return true
		}
	}
	return false
}
