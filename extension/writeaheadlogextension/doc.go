// Package writeaheadlogextension gives components a write-ahead log each, in a
// folder on this machine's disk. Exporters find it at their host as [wal.Opener].
package writeaheadlogextension
