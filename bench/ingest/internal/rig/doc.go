// Package rig runs what the ingest benchmark measures: a private PostgreSQL, Redis
// and embedded engine, and one collector after another, each with an empty database
// of its own and with a pipeline of [Pipelines].
package rig
