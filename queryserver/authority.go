package queryserver

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Authority is what each call is judged by. A cache may stand before the store, as long
// as it hears of changes.
type Authority interface {
	// FindSession and FindSessionByCookie give NotFound for a session that never was.
	FindSession(ctx context.Context, id tenant.ID) (SessionState, error)
	FindSessionByCookie(ctx context.Context, cookie Hash) (SessionState, error)
	// User gives NotFound for a user who was deleted.
	User(ctx context.Context, user UserRef) (User, error)
	// UserGrants are the tenants that a user is a member of, with the roles held there.
	UserGrants(ctx context.Context, user UserRef) ([]Grant, error)
	FindServiceToken(ctx context.Context, hash Hash) (ServiceToken, error)
	ServiceAccountGrants(ctx context.Context, organization, account tenant.ID) ([]Grant, error)
}
