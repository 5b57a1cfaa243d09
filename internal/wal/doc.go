// Package wal is a write-ahead log: records that survive the process and the
// machine, in the order in which they were appended, until they are released.
//
//	log, err := wal.Open(disk, settings)
//	damage, err := log.Replay(0, log.End(), func(r wal.Record) error { … }) // what an earlier run left
//	from, to, err := log.Append(kind, payload)                             // written
//	durable, err := log.Sync()                                             // and on disk
//	err = log.Release(before)                                              // no longer needed
//
// # Layout
//
// A log is a folder of segments. A segment is a file named after the position of
// its first byte, <16 hex digits>.wal, and holds one record after another, the
// first of which says the version of the format. Positions count bytes over the
// whole life of the log. A record is
//
//	magic    4 bytes  "TFr1"
//	length   4 bytes  of the payload
//	checksum 4 bytes  CRC-32C of position (8 bytes), length, kind and payload
//	kind     1 byte
//	payload
//
// with integers in little-endian order. The checksum covers the position, so that
// bytes that belong elsewhere are no record.
//
// # What is never done
//
// An opened log begins a new segment and writes to no older one. A record at or
// behind the position of the next segment is void: that is how what a crash left
// half-written, and what failed to be synced, stays out without being overwritten.
// A segment in which bytes have changed is not removed when it is released but
// moved to the folder quarantine.
package wal
