// Package load is the client of the tests of faults: a process of its own that sends
// OTLP of every signal at a steady rate, whatever becomes of it, and keeps a ledger.
//
// The rate is open-loop: when the collector does not answer, the next request is sent
// in time all the same, up to a bound of requests in flight; what would go beyond it
// is not sent, and not in the ledger.
package load
