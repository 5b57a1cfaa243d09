// Package native rewrites ClickHouse's Native format between protocol
// revisions, and reads and writes ClickHouse's compressed blocks.
//
// The embedded engine writes Native blocks at revision 0, and a client that
// announced client_protocol_version expects them at its own: with a block
// info before each block, and with a serialization flag after each column's
// type. Only these few bytes differ, so Transcode copies the columns and
// never builds a value; it walks the types only to find where columns end.
package native
