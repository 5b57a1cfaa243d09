// Package queryserver drives `telemetryflow queryserver` from outside the process, with a
// real PostgreSQL, Redis and mail server.
package queryserver
