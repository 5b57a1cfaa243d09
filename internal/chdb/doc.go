// Package chdb runs the ClickHouse engine inside this process: it loads
// libchdb (the engine as a shared library) without cgo, opens one connection
// per query that may run at the same time, and lends them out through fair
// queues, one per class of work.
//
// One process owns a data path. Everything else speaks to that process over
// HTTP: see the server package below this one.
//
//	engine, err := chdb.Start(chdb.Options{Library: path, DataPath: dir})
//	if err != nil { … }
//	defer engine.Close()
//	lease, err := engine.Acquire(ctx, chdb.Queries)
//	if err != nil { … }
//	defer lease.Release()
//	rows, err := lease.Stream(ctx, chdb.Query{SQL: "SELECT 1", Format: "TSV"})
//
// What the library does not forgive, and what this package does about it:
//
//   - A connection runs one statement at a time: a lease is exclusive.
//   - Settings and the current database stay on a connection: each lease is
//     brought from the state it was left in to the state asked for, and query
//     parameters are bound per call, never SET.
//   - A failed or cancelled stream leaves bytes in the connection's output
//     buffer, which the next result would begin with: such a connection is
//     rinsed, and proved clean, before it is lent again.
//   - Connecting resets signal handlers that the Go runtime needs: all
//     connections are opened at start, one after the other, between a snapshot
//     and a restore of every signal action.
package chdb
