// Package jobstore keeps in PostgreSQL what collectors publish of their logs, so that
// any of them, and the query server, can say what became of a request.
package jobstore
