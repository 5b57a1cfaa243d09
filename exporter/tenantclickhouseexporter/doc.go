// Package tenantclickhouseexporter stores traces, metrics and logs in ClickHouse,
// each row under the tenant that the tenant_context processor stamped on its
// resource.
//
// Requests that arrive together are encoded into one block per table and inserted
// together; each is answered when its rows are stored. A statement is repeated with
// the same bytes under the same deduplication token, so that a lost answer doubles
// nothing. Tables come from `telemetryflow migrate up`, never from the exporter.
package tenantclickhouseexporter
