// Package ledger is what a client remembers of everything it sent, and the
// comparison of that with what is stored.
//
// Every item has a number in its stream: (stream, number) is found again in the row.
// A line is appended to a file when a request ends, and says how:
//
//	acked    full success: the items must be stored, once
//	refused  a definite refusal, or never sent: the items must not be stored
//	unknown  the connection broke: the items may be stored, but not twice
package ledger
