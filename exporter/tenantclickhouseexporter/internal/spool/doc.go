// Package spool keeps what a client was told is stored until it is: requests go
// into the write-ahead log, become batches, and leave when ClickHouse has them.
//
//	s, err := spool.Open(log, settings)
//	place, err := s.Put(request)  // returns when the request is on disk
//	batch, err := s.Next(ctx)     // a sender takes the next batch …
//	s.Commit(batch)               // … and says that all of it is stored
//
// One goroutine writes the log. What arrives while it syncs is the next group: its
// requests are encoded together, what the blocks have gained by them is one record,
// and one sync makes it durable. There is no timer in that.
//
// # Records
//
// A batch is a run of groups, a seal behind them, and some time later a commit:
//
//	group       batch, number of the group in the batch, time, its requests, growth of the blocks
//	seal        batch, number of groups, parts that ClickHouse had made
//	split       batch, block, rows that ClickHouse will never take
//	commit      batch, time, rows stored and dead by account
//	replayed    rows of dead letters that are stored after all, by account
//	checkpoint  all that the log says in sum, for what is removed of it
//
// The seal is durable before a sender sees the batch. What a batch holds is then
// fixed: the same bytes are sent under the same tokens after any crash, so that
// ClickHouse stores them once. A split is durable before the rest is sent, for the
// same reason.
//
// # Recovery
//
// Opening only reads, and then seals what a crash left open. Batches without a
// commit are sent again, in their order.
package spool
