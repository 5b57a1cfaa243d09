//go:build linux

// Command ingest measures the way of OTLP into ClickHouse, from the body of a
// request to rows that are stored: TelemetryFlow's pipeline beside the upstream
// ClickHouse exporter, round by round, in the same collector program and on the same
// engine. docs/benchmarks.md says what the figures mean.
//
//	make bench-ingest
//	make bench-ingest INGEST='-rounds 1 -items 100000 -parts cpu -pipelines ours,contrib-fsync'
package main
