package queryserver

import (
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// APIKey is what may be shown of an API key.
type APIKey struct {
	ID            string       `json:"keyId"`
	Name          string       `json:"name"`
	Workspace     *tenant.ID   `json:"workspaceId,omitempty"` // nil: the key covers the whole organization
	Tenant        *tenant.ID   `json:"tenantId,omitempty"`    // nil: the key covers every tenant of the above
	Permissions   []Permission `json:"permissions"`
	Limits        KeyLimits    `json:"limits"`
	CreatedAt     time.Time    `json:"createdAt"`
	ExpiresAt     *time.Time   `json:"expiresAt,omitempty"`
	RevokedAt     *time.Time   `json:"revokedAt,omitempty"`
	PreviousUntil *time.Time   `json:"previousSecretUntil,omitempty"`
	LastUsedAt    *time.Time   `json:"lastUsedAt,omitempty"`
}

// APIKeyPermissions are all that a key may carry: it sends telemetry, and reads it.
func APIKeyPermissions() []Permission {
	return []Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite, MetricsRead, LogsRead, TracesRead}
}

// KeyLimits bound what is sent with a key. Zero means no limit.
type KeyLimits struct {
	RequestsPerMinute int   `json:"requestsPerMinute"`
	ItemsPerSecond    int64 `json:"itemsPerSecond"`
	BytesPerSecond    int64 `json:"bytesPerSecond"`
}
