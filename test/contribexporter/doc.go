// Package contribexporter points the Collector's contrib ClickHouse exporter at the
// embedded engine: a client that knows nothing of it must find a ClickHouse server.
package contribexporter
