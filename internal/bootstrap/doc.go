// Package bootstrap sets up organizations, workspaces and tenants for an
// operator: it is behind `telemetryflow tenant` and `telemetryflow up`. It needs
// a pool of the role postgres.App.
package bootstrap
