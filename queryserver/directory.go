package queryserver

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Organization owns workspaces, users and everything else.
type Organization struct {
	ID        tenant.ID `json:"organizationId"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// Workspace groups tenants.
type Workspace struct {
	ID        tenant.ID `json:"workspaceId"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// Tenant is the unit of isolation.
type Tenant struct {
	ID        tenant.ID `json:"tenantId"`
	Workspace tenant.ID `json:"workspaceId"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// User is somebody who logs in.
type User struct {
	ID          tenant.ID  `json:"userId"`
	Email       string     `json:"email"`
	DisplayName string     `json:"displayName"`
	PictureURL  string     `json:"pictureUrl,omitempty"`
	Enabled     bool       `json:"enabled"`
	HasPassword bool       `json:"hasPassword"`
	HasMFA      bool       `json:"hasMfa"`
	CreatedAt   time.Time  `json:"createdAt"`
	LastLoginAt *time.Time `json:"lastLoginAt,omitempty"`
}

// Assignment is a role that a user or a service account holds in a tenant.
type Assignment struct {
	Role   tenant.ID `json:"roleId"`
	Tenant tenant.ID `json:"tenantId"`
}

// Role is a set of permissions, and of predicates that its holders' view is limited to.
// Built-in roles belong to every organization and do not change.
type Role struct {
	ID          tenant.ID    `json:"roleId"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	BuiltIn     bool         `json:"builtIn"`
	Permissions []Permission `json:"permissions"`
	Filter      []Predicate  `json:"filter"`
}

// The built-in roles, under the identifiers that the schema gives them.
var (
	RoleOwner         = tenant.ID{6: 0x80, 8: 0x80, 15: 1}
	RoleAdministrator = tenant.ID{6: 0x80, 8: 0x80, 15: 2}
	RoleDeveloper     = tenant.ID{6: 0x80, 8: 0x80, 15: 3}
	RoleViewer        = tenant.ID{6: 0x80, 8: 0x80, 15: 4}
)

// ServiceAccount is a program that reads.
type ServiceAccount struct {
	ID        tenant.ID `json:"serviceAccountId"`
	Name      string    `json:"name"`
	Enabled   bool      `json:"enabled"`
	CreatedAt time.Time `json:"createdAt"`
}

// Token is a token of a service account, without its secret.
type Token struct {
	ID         tenant.ID  `json:"tokenId"`
	Name       string     `json:"name"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
}

// Invitation asks somebody into the organization. Who is invited gets the roles as long as
// the inviter could still give them.
type Invitation struct {
	ID        tenant.ID    `json:"invitationId"`
	Email     string       `json:"email"`
	Roles     []Assignment `json:"roles"`
	InvitedBy tenant.ID    `json:"invitedBy"`
	CreatedAt time.Time    `json:"createdAt"`
	ExpiresAt time.Time    `json:"expiresAt"`
}

// Policy is what an organization demands of logins.
type Policy struct {
	SSOOnly     bool      `json:"ssoOnly"`
	MFARequired bool      `json:"mfaRequired"`
	DefaultRole tenant.ID `json:"defaultRoleId"` // of users who come by single sign-on
}

// Session is a login that has not ended.
type Session struct {
	ID         tenant.ID `json:"sessionId"`
	User       tenant.ID `json:"userId"`
	Methods    []string  `json:"methods"` // RFC 8176
	ClientIP   string    `json:"clientIp,omitempty"`
	UserAgent  string    `json:"userAgent,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

// AuditEntry is one line of the audit trail.
type AuditEntry struct {
	Sequence  int64          `json:"sequence"`
	At        time.Time      `json:"at"`
	Tenant    *tenant.ID     `json:"tenantId,omitempty"`
	ActorKind SubjectKind    `json:"actorKind"`
	Actor     string         `json:"actorId"`
	Action    string         `json:"action"` // resource.verb
	Subject   string         `json:"subject"`
	Outcome   string         `json:"outcome"` // success, denied, failure
	ClientIP  string         `json:"clientIp,omitempty"`
	RequestID string         `json:"requestId,omitempty"`
	Detail    map[string]any `json:"detail"`
}

// AuditQuery says which entries of the audit trail are wanted, newest first.
type AuditQuery struct {
	Before        int64 // sequence; 0: from the newest on
	Action, Actor *string
	From, To      time.Time
	Limit         int
}
