package queryserver

import "github.com/telemetryflow/telemetryflow/internal/tenant"

// Permission is one right, written resource:action. Those of ingest are
// tenant.MetricsWrite, tenant.LogsWrite and tenant.TracesWrite.
type Permission = tenant.Permission

// The permissions that a role is made of, as the table permissions holds them.
const (
	MetricsRead     Permission = "metrics:read"
	LogsRead        Permission = "logs:read"
	TracesRead      Permission = "traces:read"
	DashboardsRead  Permission = "dashboards:read"
	DashboardsWrite Permission = "dashboards:write"
	AlertsRead      Permission = "alerts:read"
	AlertsWrite     Permission = "alerts:write"
	KeysRead        Permission = "keys:read"
	KeysWrite       Permission = "keys:write"
	UsersRead       Permission = "users:read"
	UsersWrite      Permission = "users:write"
	RolesRead       Permission = "roles:read"
	RolesWrite      Permission = "roles:write"
	SSORead         Permission = "sso:read"
	SSOWrite        Permission = "sso:write"
	RetentionRead   Permission = "retention:read"
	RetentionWrite  Permission = "retention:write"
	AuditRead       Permission = "audit:read"
	QueuesAdmin     Permission = "queues:admin"
)
