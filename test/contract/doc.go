// Package contract holds the real programs to docs/ingest.md: every answer of the
// collector with real API keys, over gRPC and HTTP, for the three signals.
package contract
