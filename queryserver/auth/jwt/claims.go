package jwt

import (
	"errors"
	"time"

	library "github.com/golang-jwt/jwt/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Claims are what a token says.
type Claims struct {
	Subject tenant.ID // the user; sub
	Session tenant.ID // sid
	// Organization is where the user acts; zero for one who is in none yet.
	Organization tenant.ID
	// Workspace and Tenant are both set or both zero: the organization as a whole.
	Workspace, Tenant tenant.ID

	// ID, jti, and the times are set by Issue. A token is good from IssuedAt to Expires.
	ID                string
	IssuedAt, Expires time.Time
}

// wire is the form of RFC 9068, 2.2, with our claims under the names of the data-flow
// document.
type wire struct {
	library.RegisteredClaims
	ClientID     string    `json:"client_id"`
	Session      tenant.ID `json:"sid"`
	Organization tenant.ID `json:"organizationId,omitzero"`
	Workspace    tenant.ID `json:"workspaceId,omitzero"`
	Tenant       tenant.ID `json:"tenantId,omitzero"`
}

// claims checks what the library does not: that all that must be there is, that the
// identities are UUIDs, and that the token does not live longer than one of ours.
func (w *wire) claims() (Claims, error) {
	subject, err := tenant.ParseID(w.Subject)
	if err != nil || subject.IsZero() || w.Session.IsZero() {
		return Claims{}, errors.New("sub or sid is missing or not a UUID")
	}
	if w.ID == "" || w.IssuedAt == nil || w.NotBefore == nil || w.ExpiresAt == nil {
		return Claims{}, errors.New("jti, iat, nbf or exp is missing")
	}
	if lifetime := w.ExpiresAt.Sub(w.IssuedAt.Time); lifetime <= 0 || lifetime > maxLifetime {
		return Claims{}, errors.New("exp is not within ten minutes of iat")
	}
	if w.Workspace.IsZero() != w.Tenant.IsZero() || w.Organization.IsZero() && !w.Tenant.IsZero() {
		return Claims{}, errors.New("organizationId, workspaceId and tenantId do not go together")
	}
	return Claims{
		Subject: subject, Session: w.Session, Organization: w.Organization, Workspace: w.Workspace, Tenant: w.Tenant,
		ID: w.ID, IssuedAt: w.IssuedAt.Time, Expires: w.ExpiresAt.Time,
	}, nil
}
