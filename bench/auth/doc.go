// Command auth measures what logins and proofs of callers cost, with a real PostgreSQL
// that syncs its commits, a real Redis and the real query server.
//
//	go run ./bench/auth -rounds 5
//
// Each figure is a ratio of, or alternates, rounds of the same run, because the client,
// the databases and the server share one machine. docs/benchmarks.md says what each is.
package main
