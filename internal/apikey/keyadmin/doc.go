// Package keyadmin creates, lists, rotates and revokes API keys in PostgreSQL.
//
// It works as telemetryflow_app, whom row-level security holds in the
// organization of the key. The database itself writes the audit trail and the
// change feed, in the transaction of the change, so that every collector hears
// of it.
package keyadmin
