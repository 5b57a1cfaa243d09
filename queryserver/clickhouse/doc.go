// Package clickhouse asks ClickHouse about the telemetry of a tenant.
//
//	store, err := clickhouse.New(settings)
//	services, err := store.Services(ctx, scope, queryserver.TimeRange{From: …, To: …})
//
// Every statement begins at a reading: the scope of a call and one permission. A reading
// gives the FROM and the WHERE of a table, the tenant first and then what the caller's
// roles let him see of the data; there is no other way to a table. All that a caller
// writes goes as a parameter beside the statement (internal/chsql).
//
// Errors are *queryserver.Error. What the engine says goes to the log, never to a caller.
package clickhouse
