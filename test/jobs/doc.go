// Package jobs asks real collectors, which share PostgreSQL and Redis, what became of
// requests, and repeats requests, through crashes.
package jobs
