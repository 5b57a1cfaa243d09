// Package e2e drives the real programs with the configuration that users copy:
// OTLP in by API key over every transport, rows out of ClickHouse by tenant.
//
//	make e2e
//
// sends at least 200,000 items and prints how many were sent and stored.
package e2e
